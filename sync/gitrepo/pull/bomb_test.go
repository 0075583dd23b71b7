package pull_test

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/sync/gitrepo/pull"
)

// TestBombs proposes what is small to receive and large to unpack. Each has to end in a clear refusal, in time, and in the worker.
func TestBombs(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds each")
	}
	for name, bomb := range map[string]func(h *host) (tree string){
		"a file of nothing":             zeros,
		"deltas of deltas":              deltas,
		"folders of the same folders":   folders,
		"folders in folders":            nested,
		"more than may be received":     noise,
		"a folder with countless files": wide,
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			tree := bomb(h)
			commit := h.Git("-C", h.Bare, "commit-tree", "-p", h.base, "-m", "bomb", tree)
			h.Git("-C", h.Bare, "update-ref", "refs/pull/7/head", commit)
			h.config.MemoryLimit, h.config.MaxBytes, h.config.Timeout = 64<<20, 2<<20, 30*time.Second
			before := heap()
			start := time.Now()
			_, err := pull.Fetch(t.Context(), h.config, "pull/7", h.base)
			if !errors.Is(err, pull.ErrTooBig) {
				t.Errorf("error is %v", err)
			}
			t.Logf("%.1f s: %v", time.Since(start).Seconds(), err)
			if grown := heap() - before; grown > 4<<20 {
				t.Errorf("the process has grown by %d bytes", grown)
			}
		})
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// put stores an object in the host's repository.
func (h *host) put(kind, content string) string {
	h.t.Helper()
	return h.GitInput(content, "-C", h.Bare, "hash-object", "-w", "-t", kind, "--stdin", "--literally")
}

// folder makes a tree of entries, as git ls-tree lists them.
func (h *host) folder(entries ...string) string {
	h.t.Helper()
	return h.GitInput(strings.Join(entries, "\n")+"\n", "-C", h.Bare, "mktree")
}

func (h *host) inFlags(entries ...string) string {
	h.t.Helper()
	return h.folder("040000 tree " + h.folder(entries...) + "\tflags")
}

func zeros(h *host) string {
	return h.inFlags("100644 blob " + h.put("blob", strings.Repeat("\x00", 100<<20)) + "\ta.cue")
}

func noise(h *host) string {
	random := rand.NewChaCha8([32]byte{1})
	content := make([]byte, 3<<20)
	_, _ = random.Read(content)
	return h.inFlags("100644 blob " + h.put("blob", string(content)) + "\ta.cue")
}

// folders makes 16 to the power of 8 folders of eight.
func folders(h *host) string {
	at := h.folder("100644 blob " + h.put("blob", "package flags\n") + "\ta.cue")
	for range 8 {
		var entries []string
		for i := range 16 {
			entries = append(entries, fmt.Sprintf("040000 tree %s\tf%d", at, i))
		}
		at = h.folder(entries...)
	}
	return h.inFlags("040000 tree " + at + "\tx")
}

func nested(h *host) string {
	at := h.folder("100644 blob " + h.put("blob", "package flags\n") + "\ta.cue")
	for range 200 {
		at = h.folder("040000 tree " + at + "\tf")
	}
	return h.inFlags("040000 tree " + at + "\tx")
}

func wide(h *host) string {
	blob := h.put("blob", "package flags\n")
	var entries []string
	for i := range 110_000 {
		entries = append(entries, fmt.Sprintf("100644 blob %s\tf%06d.cue", blob, i))
	}
	return h.inFlags(entries...)
}

// deltas makes a pack of a text and of texts that are each the one before, twice: 2 KB that unpack to 200 MB.
func deltas(h *host) string {
	base := bytes.Repeat([]byte("flags "), 1<<10)
	pack := binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), 15)
	pack = append(append(pack, objectHeader(3, len(base))...), deflate(base)...)
	text, hash := base, blobHash(base)
	var entries []string
	for i := range 14 {
		delta := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(len(text))), uint64(2*len(text)))
		for range 2 {
			for at := 0; at < len(text); at += 0xffffff {
				delta = append(delta, copyAll(at, min(len(text)-at, 0xffffff))...)
			}
		}
		pack = append(append(append(pack, objectHeader(7, len(delta))...), hash[:]...), deflate(delta)...)
		text = append(text, text...)
		hash = blobHash(text)
		entries = append(entries, fmt.Sprintf("100644 blob %x\tf%02d.cue", hash, i))
	}
	sum := sha1.Sum(pack)
	cmd := exec.Command("git", "-C", h.Bare, "index-pack", "--stdin")
	cmd.Stdin = bytes.NewReader(append(pack, sum[:]...))
	if out, err := cmd.CombinedOutput(); err != nil {
		h.t.Fatalf("%v: %s", err, out)
	}
	return h.inFlags(entries...)
}

func objectHeader(kind byte, size int) []byte {
	header := []byte{kind<<4 | byte(size&15)}
	for size >>= 4; size > 0; size >>= 7 {
		header[len(header)-1] |= 0x80
		header = append(header, byte(size&0x7f))
	}
	return header
}

func copyAll(at, size int) []byte {
	return []byte{0xff, byte(at), byte(at >> 8), byte(at >> 16), byte(at >> 24), byte(size), byte(size >> 8), byte(size >> 16)}
}

func deflate(b []byte) []byte {
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

func blobHash(b []byte) [20]byte {
	return sha1.Sum(append(fmt.Appendf(nil, "blob %d\x00", len(b)), b...))
}
