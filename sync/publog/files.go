package publog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Files names the files of the log of a name, such as DIR/log.jsonl, oldest first: those that were put by, DIR/log-0001.jsonl and so
// on, and the log itself. The error is [fs.ErrNotExist] where there is none of them.
func Files(name string) ([]string, error) {
	files, err := putAway(name)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(name); err == nil {
		files = append(files, name)
	}
	if len(files) == 0 {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return files, nil
}

// putAway names the files that were put by, oldest first.
func putAway(name string) ([]string, error) {
	dir, stem, suffix := parts(name)
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var files []string
	for _, entry := range entries {
		if n := number(entry.Name(), stem, suffix); n > 0 {
			files = append(files, filepath.Join(dir, entry.Name()))
		}
	}
	slices.SortFunc(files, func(a, b string) int {
		return number(filepath.Base(a), stem, suffix) - number(filepath.Base(b), stem, suffix)
	})
	return files, nil
}

func parts(name string) (dir, stem, suffix string) {
	suffix = filepath.Ext(name)
	return filepath.Dir(name), strings.TrimSuffix(filepath.Base(name), suffix), suffix
}

// number gives that of a file put by; 0: it is none.
func number(name, stem, suffix string) (n int) {
	if _, err := fmt.Sscanf(name, stem+"-%d"+suffix, &n); err != nil || name != fmt.Sprintf("%s-%04d%s", stem, n, suffix) {
		return 0
	}
	return n
}

// putBy renames the log's file, so that the next one is begun.
func putBy(name string) error {
	dir, stem, suffix := parts(name)
	files, err := putAway(name)
	if err != nil {
		return err
	}
	next := 1
	if len(files) > 0 {
		next = number(filepath.Base(files[len(files)-1]), stem, suffix) + 1
	}
	if err := os.Rename(name, filepath.Join(dir, fmt.Sprintf("%s-%04d%s", stem, next, suffix))); err != nil {
		return err
	}
	syncDir(dir)
	return nil
}

// syncDir makes a new name in a folder outlast a power cut, where the system can.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}

// end is how a file ends.
type end struct {
	chain   Chain
	entries []Entry // the last ones, oldest first
	size    int64   // up to the end of the last whole line
	torn    int64   // bytes after it
	fresh   bool    // the file was empty
}

// lookBack is how much of a file's end is read, if it holds a whole line.
const lookBack = 256 << 10

// readEnd reads how a log's file ends or, where it is empty, how the one before it does.
func readEnd(file *os.File, name string) (end, error) {
	found, err := endOf(file)
	if err != nil || found.chain != (Chain{}) {
		return found, err
	}
	found.fresh = true
	files, err := putAway(name)
	if err != nil || len(files) == 0 {
		return found, err
	}
	before, err := os.Open(files[len(files)-1])
	if err != nil {
		return found, err
	}
	defer before.Close()
	earlier, err := endOf(before)
	found.chain, found.entries = earlier.chain, earlier.entries
	return found, err
}

func endOf(file *os.File) (end, error) {
	info, err := file.Stat()
	if err != nil {
		return end{}, err
	}
	for span := int64(lookBack); ; span *= 2 {
		start := max(0, info.Size()-span)
		text := make([]byte, info.Size()-start)
		if _, err := file.ReadAt(text, start); err != nil && !errors.Is(err, io.EOF) {
			return end{}, err
		}
		last := bytes.LastIndexByte(text, '\n') + 1
		found := end{size: start + int64(last), torn: int64(len(text) - last)}
		if start > 0 { // the first line may be cut
			text = text[bytes.IndexByte(text, '\n')+1:]
			last = bytes.LastIndexByte(text, '\n') + 1
		}
		if last > 0 || start == 0 {
			found.read(text[:last])
			return found, nil
		}
	}
}

// read reads the last lines of a file: the newest entry of each kind. A line that is no entry counts as one.
func (f *end) read(text []byte) {
	lines := slices.Collect(bytes.Lines(text))
	strange, known := uint64(0), map[string]bool{}
	for i, line := range slices.Backward(lines) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		if i == len(lines)-1 {
			f.chain.Head = sum(line)
		}
		if f.chain.Seq > 0 && known[kindOf(line)] {
			continue
		}
		var e Entry
		if json.Unmarshal(line, &e) != nil || e.Seq == 0 || e.Seq > mostSeq {
			strange++
			continue
		}
		if f.chain.Seq == 0 {
			f.chain.Seq = e.Seq + strange
		}
		known[kindOf(line)] = true
		f.entries = append([]Entry{e}, f.entries...)
	}
	if f.chain.Seq == 0 {
		f.chain.Seq = strange
	}
}

// kindOf gives an entry's kind, as Append writes it, without reading all of it.
func kindOf(line []byte) string {
	_, rest, _ := bytes.Cut(line, []byte(`"kind":"`))
	kind, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(kind)
}
