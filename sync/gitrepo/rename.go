package gitrepo

import (
	"io/fs"
	"path"
	"strings"
)

// follow makes up for renames. Where one side lacks a file that is in conflict, and has a new one that is much like it, the other side
// and the base get theirs at the new place too, so that they can be merged there. It tells whether there was such a file.
func follow(sides [3]*node, conflicts []string) (followed [3]*node, found bool) {
	for _, from := range conflicts {
		for _, pair := range [][2]int{{1, 2}, {2, 1}} {
			renamer, other := pair[0], pair[1]
			was := sides[0].at(from)
			if !was.mergeable() || sides[renamer].at(from) != nil || sides[other].at(from) == nil {
				continue
			}
			to := successor(was, sides[0], sides[renamer])
			if to == "" || sides[other].at(to) != nil {
				continue
			}
			found = true
			sides[0] = sides[0].moved(from, to)
			sides[other] = sides[other].moved(from, to)
		}
	}
	return sides, found
}

// halfGone gives those of the files that neither side has any more which one side has renamed and the other not, or otherwise: so
// that a flag which one moves and another deletes does not live on by chance.
func halfGone(sides [3]*node, gone []string) []string {
	var conflicts []string
	for _, file := range gone {
		was := sides[0].at(file)
		if was.mergeable() && successor(was, sides[0], sides[1]) != successor(was, sides[0], sides[2]) {
			conflicts = append(conflicts, file)
		}
	}
	return conflicts
}

// successor gives the path of the file in side that is none of base's and most like one that is; "" where none is half the same.
func successor(was *entry, base, side *node) string {
	best, most := "", 0.5
	side.walk("", func(at string, e *entry) {
		if !e.mergeable() || base.at(at) != nil {
			return
		}
		if s := similarity(was.content, e.content); s >= most && (s > most || best == "" || at < best) {
			best, most = at, s
		}
	})
	return best
}

// similarity is which part of the larger text are lines that both have, from 0 to 1.
func similarity(a, b string) float64 {
	lines := map[string]int{}
	for line := range strings.Lines(a) {
		lines[line]++
	}
	common := 0
	for line := range strings.Lines(b) {
		if lines[line] > 0 {
			lines[line]--
			common += len(line)
		}
	}
	return float64(common) / float64(max(len(a), len(b), 1))
}

// walk calls f for the file that an entry is, or every file below it.
func (e *entry) walk(at string, f func(at string, e *entry)) {
	if e.dir == nil {
		f(at, e)
		return
	}
	e.dir.walk(at, f)
}

// walk calls f for every file below a folder.
func (n *node) walk(at string, f func(at string, e *entry)) {
	for i := range n.all() {
		n.entries[i].walk(path.Join(at, n.entries[i].name), f)
	}
}

// at gives what stands at a path below a folder; nil where nothing does.
func (n *node) at(file string) *entry {
	step, rest, deeper := strings.Cut(file, "/")
	e := n.find(step)
	if !deeper || e == nil {
		return e
	}
	return e.dir.at(rest)
}

// moved gives the folder with a file at another place; as it is, where it has no such file.
func (n *node) moved(from, to string) *node {
	e := n.at(from)
	if e == nil {
		return n
	}
	moved := *e
	moved.name = path.Base(to)
	return n.with(from, nil).with(to, &moved)
}

// with gives the folder with something else at a path; nil takes away what is there.
func (n *node) with(file string, put *entry) *node {
	step, rest, deeper := strings.Cut(file, "/")
	if deeper {
		if dir := n.find(step).folder().with(rest, put); len(dir.entries) > 0 {
			put = &entry{name: step, mode: fs.ModeDir | 0o555, hash: dir.hash, dir: dir}
		} else {
			put = nil
		}
	}
	changed := new(node)
	for _, e := range n.all() {
		if e.name != step {
			changed.entries = append(changed.entries, e)
		}
	}
	if put != nil {
		changed.entries = append(changed.entries, *put)
	}
	changed.seal()
	return changed
}
