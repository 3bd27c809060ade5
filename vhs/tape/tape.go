// Package tape reads the tapes of the documents, which are in VHS's language, and packs what they show into GIFs. The
// same tape over the same recording gives the same file on every machine.
package tape

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Step is one line of a tape; exactly one of Text, Key, Wait, Hide, Show and Pause is set.
type Step struct {
	// Line is its number in the file.
	Line int
	// Text is typed; Key is pressed Times times, by its name in pitwall ("enter", "ctrl+s").
	Text  string
	Key   string
	Times int
	// Wait is what the screen must show before the next step, within Limit.
	Wait  *regexp.Regexp
	Limit time.Duration
	// Hide and Show end and begin what is recorded; Pause is how long nothing is pressed.
	Hide, Show bool
	Pause      time.Duration
}

// Tape is a story.
type Tape struct {
	// Command is what the story begins with: the words after "pitwall replay".
	Command []string
	// Width and Height are those of the picture in pixels, Typing the time between two typed letters.
	Width, Height int
	Typing        time.Duration
	Steps         []Step
}

// command is how a tape starts the console.
const command = "pitwall replay "

// Parse reads a tape. The error names the line.
func Parse(path string) (*Tape, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	t := &Tape{Typing: 60 * time.Millisecond}
	for n, line := range strings.Split(string(b), "\n") {
		if err := t.line(n+1, strings.TrimSpace(line)); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n+1, err)
		}
	}
	if t.Command == nil {
		return nil, fmt.Errorf("%s: nothing is started: Type %q and a recording", path, command)
	}
	return t, nil
}

func (t *Tape) line(n int, line string) (err error) {
	word, rest, _ := strings.Cut(line, " ")
	s := Step{Line: n}
	switch {
	case line == "" || strings.HasPrefix(line, "#"), word == "Output", word == "Require":
		return nil
	case word == "Set":
		return t.set(rest)
	case word == "Type":
		if s.Text, err = quoted(rest); err != nil {
			return err
		}
		if args, ok := strings.CutPrefix(s.Text, command); ok && t.Command == nil {
			t.Command = strings.Fields(args)
			return nil
		}
	case word == "Sleep":
		if s.Pause, err = time.ParseDuration(rest); err != nil {
			return err
		}
	case strings.HasPrefix(word, "Wait+Screen"):
		if s.Limit, err = time.ParseDuration(strings.TrimPrefix(word, "Wait+Screen@")); err != nil {
			return err
		}
		if s.Wait, err = regexp.Compile(strings.Trim(rest, "/")); err != nil {
			return err
		}
	case word == "Hide":
		s.Hide = true
	case word == "Show":
		s.Show = true
	default:
		if s.Key, err = key(word); err != nil {
			return err
		}
		if s.Times = 1; rest != "" {
			if s.Times, err = strconv.Atoi(rest); err != nil {
				return err
			}
		}
		if t.Command != nil && len(t.Steps) == 0 && s.Key == "enter" { // ends the command
			return nil
		}
	}
	t.Steps = append(t.Steps, s)
	return nil
}

func (t *Tape) set(rest string) (err error) {
	name, value, _ := strings.Cut(rest, " ")
	switch name {
	case "Width":
		t.Width, err = strconv.Atoi(value)
	case "Height":
		t.Height, err = strconv.Atoi(value)
	case "TypingSpeed":
		t.Typing, err = time.ParseDuration(value)
	}
	return err
}

// quoted is a text between two of ", ' or `.
func quoted(text string) (string, error) {
	if n := len(text); n >= 2 && text[0] == text[n-1] && strings.Contains("\"'`", text[:1]) {
		return text[1 : n-1], nil
	}
	return "", fmt.Errorf("%s is not quoted", text)
}

// key gives a key of VHS the name that it has in pitwall.
func key(word string) (string, error) {
	names := map[string]string{"Enter": "enter", "Escape": "esc", "Tab": "tab", "Up": "up", "Down": "down", "Left": "left", "Right": "right",
		"Backspace": "backspace", "Space": "space", "PageUp": "pgup", "PageDown": "pgdown", "Home": "home", "End": "end"}
	if k, ok := names[word]; ok {
		return k, nil
	}
	if c, ok := strings.CutPrefix(word, "Ctrl+"); ok && len(c) == 1 {
		return "ctrl+" + strings.ToLower(c), nil
	}
	return "", fmt.Errorf("%q is not known here", word)
}
