package publog

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"strconv"
)

// Report is what [Check] found.
type Report struct {
	// End is how the log ends.
	End Chain
	// First is the number of the first entry: more than 1 where older files were taken away.
	First uint64
	// Lines counts all of them.
	Lines    int
	Problems []Problem
}

// Check verifies all files of the log of a name as one chain. The error is that of reading them.
func Check(ctx context.Context, name string) (Report, error) {
	files, err := openAll(name)
	if err != nil {
		return Report{}, err
	}
	return check(ctx, files)
}

// Check is [Check] of a log that is appended to: it does not see what comes later.
func (l *Log) Check(ctx context.Context) (Report, error) {
	files, err := l.openAll()
	if err != nil {
		return Report{}, err
	}
	return check(ctx, files)
}

func check(ctx context.Context, files files) (report Report, err error) {
	defer files.close()
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return report, err
		}
		if report.First == 0 {
			report.First = f.first()
		}
		n, found, err := report.End.Verify(f.lines())
		report.Lines += n
		for _, p := range found {
			p.File = f.Name()
			report.Problems = append(report.Problems, p)
		}
		if err != nil {
			return report, err
		}
	}
	return report, nil
}

// Read writes the lines of the entries after one of a number, oldest first, as they are in the log: at most so many entries, and no
// more than some bytes unless the first alone has more. It gives how many.
func Read(w io.Writer, name string, after uint64, most, size int) (n int, err error) {
	files, err := openAll(name)
	if err != nil {
		return 0, err
	}
	return read(w, files, after, most, size)
}

// Read is [Read] of a log that is appended to.
func (l *Log) Read(w io.Writer, after uint64, most, size int) (n int, err error) {
	files, err := l.openAll()
	if err != nil {
		return 0, err
	}
	return read(w, files, after, most, size)
}

func read(w io.Writer, files files, after uint64, most, size int) (n int, err error) {
	defer files.close()
	for i, f := range files {
		if i+1 < len(files) {
			if next := files[i+1].first(); next > 0 && next <= after+1 {
				continue
			}
		}
		for line, whole := range lines(f.lines(), &err) {
			if !whole || seqOf(line) <= after {
				continue
			}
			if n == most || n > 0 && len(line) >= size {
				return n, nil
			}
			n++
			size -= len(line) + 1
			if _, err := w.Write(append(bytes.Clone(line), '\n')); err != nil {
				return n, err
			}
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// files are those of a log, open, oldest first.
type files []opened

// opened is a file as far as it went when it was opened.
type opened struct {
	*os.File
	size int64
}

func (l *Log) openAll() (files, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return openAll(l.name)
}

func openAll(name string) (all files, err error) {
	names, err := Files(name)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			all.close()
			return nil, err
		}
		info, err := f.Stat()
		all = append(all, opened{f, 0})
		if err != nil {
			all.close()
			return nil, err
		}
		all[len(all)-1].size = info.Size()
	}
	return all, nil
}

func (f files) close() {
	for _, file := range f {
		_ = file.Close()
	}
}

func (f opened) lines() io.Reader { return io.NewSectionReader(f, 0, f.size) }

// first gives the number of the first entry; 0: there is none.
func (f opened) first() uint64 {
	var err error
	for line := range lines(f.lines(), &err) {
		return seqOf(line)
	}
	return 0
}

// seqOf gives an entry's number; 0: it is no entry.
func seqOf(line []byte) uint64 {
	if rest, ok := bytes.CutPrefix(line, []byte(`{"seq":`)); ok { // as Append writes it
		digits, _, _ := bytes.Cut(rest, []byte(","))
		if n, err := strconv.ParseUint(string(digits), 10, 64); err == nil {
			return n
		}
	}
	var e struct {
		Seq uint64 `json:"seq"`
	}
	if json.Unmarshal(line, &e) != nil {
		return 0
	}
	return e.Seq
}
