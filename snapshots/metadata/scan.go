package metadata

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// scanner reads JSON from its beginning to its end, once: a metadata.json may have 100,000 records, and to
// parse it by encoding/json takes seconds. What is rare (escapes, schemas, members that are not known) is left
// to encoding/json.
type scanner struct {
	s  string
	at int
}

func (p *scanner) bad(want string) error {
	if p.at >= len(p.s) {
		return fmt.Errorf("it ends where %s is due", want)
	}
	return fmt.Errorf("at byte %d is %q, where %s is due", p.at, p.s[p.at], want)
}

func (p *scanner) space() {
	for p.at < len(p.s) {
		switch p.s[p.at] {
		case ' ', '\n', '\t', '\r':
			p.at++
		default:
			return
		}
	}
}

// next skips space and returns the byte that follows; 0 at the end.
func (p *scanner) next() byte {
	p.space()
	if p.at < len(p.s) {
		return p.s[p.at]
	}
	return 0
}

// list reads what stands between two brackets, separated by commas.
func (p *scanner) list(from, to byte, item func() error) error {
	if p.next() != from {
		return p.bad(string(from))
	}
	p.at++
	if p.next() == to {
		p.at++
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		switch p.next() {
		case ',':
			p.at++
		case to:
			p.at++
			return nil
		default:
			return p.bad("a comma or " + string(to))
		}
	}
}

// object calls member for each member, which has to read its value.
func (p *scanner) object(member func(name string) error) error {
	return p.list('{', '}', func() error {
		name, err := p.text()
		if err != nil {
			return err
		}
		if p.next() != ':' {
			return p.bad("a colon")
		}
		p.at++
		return member(name)
	})
}

// text reads a string.
func (p *scanner) text() (string, error) {
	if p.next() != '"' {
		return "", p.bad("a string")
	}
	start := p.at
	for i := start + 1; i < len(p.s); i++ {
		switch c := p.s[i]; {
		case c == '"':
			p.at = i + 1
			return p.s[start+1 : i], nil
		case c == '\\':
			return p.escaped(i)
		case c < ' ':
			p.at = i
			return "", p.bad("a character of a string")
		}
	}
	p.at = len(p.s)
	return "", p.bad("the end of a string")
}

// escaped reads a string whose first backslash is at i.
func (p *scanner) escaped(i int) (string, error) {
	start := p.at
	for ; i < len(p.s) && p.s[i] != '"'; i++ {
		if p.s[i] == '\\' {
			i++
		}
	}
	p.at = min(i+1, len(p.s))
	var v string
	if err := json.Unmarshal([]byte(p.s[start:p.at]), &v); err != nil {
		return "", fmt.Errorf("the string at byte %d: %w", start, err)
	}
	return v, nil
}

// null tells whether the value is null, which it then reads.
func (p *scanner) null() bool {
	if p.next() == 'n' && strings.HasPrefix(p.s[p.at:], "null") {
		p.at += len("null")
		return true
	}
	return false
}

// number reads the characters of a number.
func (p *scanner) number() string {
	p.space()
	start := p.at
	for p.at < len(p.s) && strings.IndexByte("+-.0123456789eE", p.s[p.at]) >= 0 {
		p.at++
	}
	return p.s[start:p.at]
}

// unsigned reads a number without sign, fraction or exponent, below 2 to the power of bits.
func (p *scanner) unsigned(bits int) (uint64, error) {
	d := p.number()
	v, err := strconv.ParseUint(d, 10, bits)
	if err != nil || len(d) > 1 && d[0] == '0' || d[0] == '+' {
		return 0, fmt.Errorf("%.30q is not an unsigned number of %d bits", p.or(d), bits)
	}
	return v, nil
}

// signed reads a number without fraction or exponent.
func (p *scanner) signed() (int64, error) {
	d := p.number()
	v, err := strconv.ParseInt(d, 10, 64)
	digits := strings.TrimPrefix(d, "-")
	if err != nil || len(digits) > 1 && digits[0] == '0' || d[0] == '+' {
		return 0, fmt.Errorf("%.30q is not a number of 64 bits", p.or(d))
	}
	return v, nil
}

// or shows what stands in place of a number.
func (p *scanner) or(digits string) string {
	if digits == "" && p.at < len(p.s) {
		return p.s[p.at : p.at+1]
	}
	return digits
}

// raw reads any value and returns its text.
func (p *scanner) raw() (string, error) {
	p.space()
	start, depth := p.at, 0
	for p.at < len(p.s) {
		switch c := p.s[p.at]; c {
		case '"':
			if _, err := p.text(); err != nil {
				return "", err
			}
			if depth == 0 {
				return p.valid(start)
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return p.valid(start)
			}
			if depth--; depth == 0 {
				p.at++
				return p.valid(start)
			}
		case ',', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return p.valid(start)
			}
		}
		p.at++
	}
	return p.valid(start)
}

func (p *scanner) valid(start int) (string, error) {
	v := p.s[start:p.at]
	if !json.Valid([]byte(v)) {
		return "", fmt.Errorf("at byte %d a value is due", start)
	}
	return v, nil
}
