package snapshots

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The power is lost at any moment: what the kernel had not been told to keep may be gone. A process writes to a file
// store under strace; its calls are played on a model of a disk, and at each of them the power goes off. What was
// acknowledged by then must be there on the disk that is left, and the next writer must get on.
const powerEnv = "PITWALL_SNAPSHOTS_POWER"

// runPowered is the process: it tells what it acknowledges, and what may go, before it goes.
func runPowered(root string) error {
	ctx := context.Background()
	m, err := Open(ctx, "file://"+root, "", nil)
	if err != nil {
		return err
	}
	defer m.Close()
	dir, err := os.MkdirTemp("", "pitwall-power-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	create := func(r CreateRequest) error {
		s, err := m.Create(ctx, r)
		if err == nil {
			_, err = fmt.Printf("ack %d %s\n", s.ID, s.Checksum)
		}
		return err
	}
	for i := range 3 {
		if err := create(childRequest(dir, "host-a", fmt.Sprintf("text %d", i))); err != nil {
			return err
		}
	}
	if err := m.Pin(ctx, "o", 1); err != nil {
		return err
	}
	fmt.Println("pinned 1")
	for i := range 3 {
		r := childRequest(dir, "host-a", strings.Repeat("in common ", 60_000)+fmt.Sprint("text ", i))
		r.Incremental, r.FullEvery = true, 3
		if err := create(r); err != nil {
			return err
		}
	}
	fmt.Println("unpinning")
	if err := m.Unpin(ctx, "o"); err != nil {
		return err
	}
	for _, late := range []time.Duration{0, 3 * time.Hour} { // first the records go, then the objects
		fmt.Println("keeping 3")
		if _, err := m.Collect(ctx, CollectRequest{Dataset: "o", Rule: Rule{Last: 3}, Now: time.Now().Add(late)}); err != nil {
			return err
		}
	}
	return create(childRequest(dir, "host-a", "the last one"))
}

// inode is a file or a folder of the model. What is in the memory of the kernel, and what is on the disk.
type inode struct {
	data, kept []byte
	names      map[string]*inode // nil for a file
	keptNames  map[string]*inode
}

func folderNode() *inode { return &inode{names: map[string]*inode{}, keptNames: map[string]*inode{}} }

// disk is the model; root is what stands before its paths.
type disk struct {
	root string
	top  *inode
	gone map[string]*inode // files without a name that are still written to
}

// find returns the folder that a path is in, and the name there; ok is false outside of the root.
func (d *disk) find(path string) (dir *inode, name string, ok bool) {
	rel, err := filepath.Rel(d.root, path)
	if err != nil || rel == "." || strings.HasPrefix(rel, "..") {
		return nil, "", false
	}
	dir = d.top
	parts := strings.Split(rel, "/")
	for _, p := range parts[:len(parts)-1] {
		if dir = dir.names[p]; dir == nil || dir.names == nil {
			return nil, "", false
		}
	}
	return dir, parts[len(parts)-1], true
}

// at returns the file or folder of a path, which may have lost its name.
func (d *disk) at(path string) *inode {
	if path == d.root {
		return d.top
	}
	if p, deleted := strings.CutSuffix(path, " (deleted)"); deleted {
		return d.gone[p]
	}
	if dir, name, ok := d.find(path); ok {
		return dir.names[name]
	}
	return nil
}

// call is one call of the process.
type call struct {
	name string
	// args are the arguments as strace writes them; texts the strings in them, decoded.
	args  string
	texts []string
	// path is that of the descriptor, empty when the call has none; ret what it returned.
	path string
	ret  int64
}

var (
	callLine = regexp.MustCompile(`^\d+ +(\w+)\((.*)\) += (-?\d+)`)
	hexText  = regexp.MustCompile(`"((?:\\x[0-9a-f]{2})*)"`)
	hexPath  = regexp.MustCompile(`^\d+<((?:\\x[0-9a-f]{2}|[^\\>])*)>(\(deleted\))?`)
)

func unhex(s string) string {
	out := make([]byte, 0, len(s)/4)
	for i := 0; i < len(s); {
		if s[i] == '\\' && i+3 < len(s) {
			b, _ := strconv.ParseUint(s[i+2:i+4], 16, 8)
			out = append(out, byte(b))
			i += 4
			continue
		}
		out = append(out, s[i])
		i++
	}
	return string(out)
}

// readCalls reads what strace wrote; a call that another thread's came between stands where it ended.
func readCalls(t *testing.T, file string) []call {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	begun := map[string]string{}
	var out []call
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		l := lines.Text()
		pid, rest, _ := strings.Cut(l, " ")
		rest = strings.TrimLeft(rest, " ")
		if head, ok := strings.CutSuffix(l, " <unfinished ...>"); ok {
			begun[pid] = head
			continue
		}
		if strings.HasPrefix(rest, "<... ") {
			_, tail, _ := strings.Cut(rest, "resumed>")
			l = begun[pid] + tail
			delete(begun, pid)
		}
		m := callLine.FindStringSubmatch(l)
		if m == nil {
			continue
		}
		c := call{name: m[1], args: m[2]}
		if c.ret, err = strconv.ParseInt(m[3], 10, 64); err != nil || c.ret < 0 {
			continue // it failed
		}
		for _, s := range hexText.FindAllStringSubmatch(m[2], -1) {
			c.texts = append(c.texts, unhex(s[1]))
		}
		if p := hexPath.FindStringSubmatch(m[2]); p != nil {
			c.path = unhex(p[1])
			if p[2] != "" {
				c.path += " (deleted)"
			}
		}
		out = append(out, c)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// play does a call on the model and tells whether it changed something.
func (d *disk) play(t *testing.T, c call) bool {
	inside := func(i int) (*inode, string, bool) {
		if i >= len(c.texts) {
			return nil, "", false
		}
		return d.find(c.texts[i])
	}
	switch c.name {
	case "mkdir", "mkdirat":
		dir, name, ok := inside(0)
		if ok {
			dir.names[name] = folderNode()
		}
		return ok
	case "openat":
		dir, name, ok := inside(0)
		if !ok || !strings.Contains(c.args, "O_CREAT") && !strings.Contains(c.args, "O_TRUNC") {
			return false
		}
		if dir.names[name] == nil {
			dir.names[name] = &inode{}
		} else if strings.Contains(c.args, "O_TRUNC") {
			dir.names[name].data = nil
		}
		return true
	case "write":
		n := d.at(c.path)
		if n != nil {
			n.data = append(slices.Clone(n.data), c.texts[0][:c.ret]...)
		}
		return n != nil
	case "fsync", "fdatasync":
		n := d.at(c.path)
		if n == nil {
			return false
		}
		if n.names != nil {
			n.keptNames = maps.Clone(n.names)
		} else {
			n.kept = slices.Clone(n.data)
		}
		return true
	case "link", "linkat", "rename", "renameat", "renameat2":
		from, old, ok := inside(0)
		to, name, ok2 := inside(1)
		if !ok || !ok2 {
			return false
		}
		to.names[name] = from.names[old]
		if strings.HasPrefix(c.name, "rename") {
			delete(from.names, old)
		}
		return true
	case "unlink", "unlinkat", "rmdir":
		dir, name, ok := inside(0)
		if ok {
			d.gone[c.texts[0]] = dir.names[name]
			delete(dir.names, name)
		}
		return ok
	case "pwrite64", "ftruncate", "copy_file_range", "sendfile", "splice":
		if d.at(c.path) != nil {
			t.Fatalf("the model does not know %s, which the store uses now", c.name)
		}
	}
	return false
}

// left writes to dir what is left on the disk when the power goes off: r decides about all that was not kept, nil
// leaves nothing of it.
func (n *inode) left(dir string, r *rand.Rand) error {
	names := maps.Clone(n.keptNames)
	if r != nil {
		for name, f := range n.names {
			if names[name] != f && r.IntN(2) == 0 {
				names[name] = f
			}
		}
		for name := range names {
			if n.names[name] == nil && r.IntN(2) == 0 {
				delete(names, name)
			}
		}
	}
	for name, f := range names {
		path := filepath.Join(dir, name)
		if f.names != nil {
			if err := errors.Join(os.Mkdir(path, 0o755), f.left(path, r)); err != nil {
				return err
			}
			continue
		}
		data := f.kept
		if r != nil && len(f.data) != len(f.kept) {
			data = [][]byte{f.kept, f.data, f.data[:len(f.data)/2], make([]byte, len(f.data))}[r.IntN(4)]
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// promised is what a process has said by some moment.
type promised struct {
	ids    []uint64 // acknowledged, in their order
	sums   map[uint64]string
	pinned bool
	going  bool // the older ones may go
}

func (p *promised) hear(t *testing.T, text string) {
	for line := range strings.Lines(text) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "ack":
			var id uint64
			var sum string
			if _, err := fmt.Sscanf(rest, "%d %s", &id, &sum); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			p.ids, p.sums = append(p.ids, id), maps.Clone(p.sums)
			p.sums[id] = sum
		case "pinned":
			p.pinned = true
		case "unpinning":
			p.pinned = false
		case "keeping":
			p.going = true
		}
	}
}

// check opens the store that is left and looks for what was promised.
func (p promised) check(t *testing.T, dir string) error {
	ctx := t.Context()
	m, err := Open(ctx, "file://"+dir, "", nil)
	if err != nil {
		return err
	}
	defer m.Close()
	list, err := m.List(ctx, "o")
	if err != nil && len(p.ids) == 0 && errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return fmt.Errorf("list: %w", err)
	}
	must := p.ids
	if p.going {
		must = must[max(0, len(must)-3):]
	}
	for _, id := range must {
		i := slices.IndexFunc(list, func(s Snapshot) bool { return s.ID == id })
		if i < 0 {
			return fmt.Errorf("snapshot %d was acknowledged and is not listed; there are %d", id, len(list))
		}
		if list[i].Checksum != p.sums[id] {
			return fmt.Errorf("snapshot %d has another checksum", id)
		}
		if p.pinned && id == 1 && !list[i].Pinned {
			return errors.New("the pin is lost")
		}
	}
	for _, s := range list {
		if err := m.Verify(ctx, "o", s.ID, nil); err != nil && slices.Contains(must, s.ID) {
			return fmt.Errorf("snapshot %d was acknowledged: %w", s.ID, err)
		}
	}
	tmp := t.TempDir()
	s, err := m.Create(ctx, childRequest(tmp, "", "after it"))
	if err != nil {
		return fmt.Errorf("the next writer: %w", err)
	}
	if slices.Contains(p.ids, s.ID) {
		return fmt.Errorf("the next writer got the id %d again", s.ID)
	}
	return m.Verify(ctx, "o", s.ID, nil)
}

// In the second run the folders were made by another process, which was killed before it saw them to the disk.
func TestNothingAcknowledgedIsLostWithThePower(t *testing.T) {
	for _, others := range []bool{false, true} {
		t.Run(fmt.Sprintf("folders of another process %v", others), func(t *testing.T) { losePower(t, others) })
	}
}

func losePower(t *testing.T, others bool) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("strace is not there, which records the calls of the writer")
	}
	base, fast := t.TempDir(), ""
	if dir, err := os.MkdirTemp("/dev/shm", "pitwall-power-"); err == nil { // in memory: what is left needs no disk to be looked at
		fast = dir
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
	} else {
		fast = t.TempDir()
	}
	root := filepath.Join(fast, "new", "store") // records have the whole address: what is left stands at the same place
	d := &disk{root: fast, top: folderNode(), gone: map[string]*inode{}}
	if others {
		now := time.Now().UTC()
		for _, path := range []string{now.Format("month=2006-01/day=2006-01-02") + "/dataset=o", "pitwall/index/o", "pitwall/pack/o"} {
			if err := os.MkdirAll(filepath.Join(root, path), 0o755); err != nil {
				t.Fatal(err)
			}
			at := d.top
			for _, name := range strings.Split("new/store/"+path, "/") {
				if at.names[name] == nil {
					at.names[name] = folderNode()
				}
				at = at.names[name]
			}
		}
	}
	trace := filepath.Join(base, "calls")
	cmd := exec.Command("strace", "-f", "-y", "-xx", "-s", "16000000", "-o", trace, "-e",
		"trace=openat,write,pwrite64,ftruncate,fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat,rmdir,mkdir,mkdirat,copy_file_range,sendfile,splice",
		os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), powerEnv+"="+root, "TMPDIR="+base)
	if out, err := cmd.CombinedOutput(); err != nil {
		if strings.Contains(string(out), "ptrace") || strings.Contains(string(out), "PTRACE") {
			t.Skipf("no process can be traced here: %s", out)
		}
		t.Fatalf("%v\n%s", err, out)
	}
	calls := readCalls(t, trace)
	seeds := 4
	if testing.Short() {
		seeds = 1
	}
	if n, err := strconv.Atoi(os.Getenv("PITWALL_POWER_SEEDS")); err == nil {
		seeds = n
	}
	said := promised{sums: map[uint64]string{}}
	clones := 0
	for i, c := range calls {
		changed := d.play(t, c)
		if c.name == "write" && strings.HasPrefix(c.args, "1<") {
			said.hear(t, c.texts[0])
			changed = true
		}
		if !changed || testing.Short() && i%5 != 0 {
			continue
		}
		for k := range seeds + 1 {
			var r *rand.Rand
			if k > 0 {
				r = rand.New(rand.NewPCG(uint64(i), uint64(k)))
			}
			if err := errors.Join(os.RemoveAll(filepath.Join(fast, "new")), d.top.left(fast, r)); err != nil {
				t.Fatal(err)
			}
			clones++
			if err := said.check(t, root); err != nil {
				t.Fatalf("the power went off after call %d of %d, %s %s, seed %d: %v", i, len(calls), c.name, c.path+strings.Join(c.texts[:min(len(c.texts), 1)], " "), k, err)
			}
		}
	}
	if len(said.ids) != 7 || clones < 50 {
		t.Fatalf("only %d snapshots and %d power losses: the calls were not understood", len(said.ids), clones)
	}
	t.Logf("%d calls, %d power losses, %d snapshots acknowledged", len(calls), clones, len(said.ids))
}
