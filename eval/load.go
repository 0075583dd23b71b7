package eval

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// New makes the snapshot of lines, in any order; it keeps no reference to them. Items that prev, which may be nil, holds
// in the same words are taken over from it, with all that was prepared for them.
//
// It fails, with nothing done, if a line is no item, a name comes twice, there is no meta item or one for another engine
// ([ErrFormat]), or at.Digest is not empty and not the digest of the lines ([ErrDigest]). An item that this engine does
// not understand, or that refers to what is not there, is no failure: see [Snapshot.Broken].
func New(at At, lines [][]byte, prev *Snapshot) (*Snapshot, error) {
	slots, err := prev.read(lines)
	if err != nil {
		return nil, err
	}
	kept, fresh := make([]bool, prev.size()), []*item{}
	for _, slot := range slots {
		switch {
		case slot.at < 0 || slot.item != prev.items[slot.at]:
			fresh = append(fresh, slot.item)
		case kept[slot.at]:
			return nil, errTwice(slot.item)
		default:
			kept[slot.at] = true
		}
	}
	s, err := prev.with(at, kept, fresh)
	if err == nil {
		s.linked.Store(link(s.items, prev))
	}
	return s, err
}

// Carry makes the snapshot of lines as [New] does, for whoever hands it on rather than decides by it. It costs a fraction: what it takes
// to decide is made when something first asks for it, which waits for that. What is no JSON does not make it fail, but is [Snapshot.Broken].
func Carry(at At, lines [][]byte) (*Snapshot, error) {
	items := make([]*item, len(lines))
	err := inParallel(len(lines), func(from, to int) error {
		for i := from; i < to; i++ {
			name, err := lineName(lines[i])
			if err == nil {
				items[i], err = newItem(name, lines[i])
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return (*Snapshot)(nil).with(at, nil, items)
}

// Apply makes the snapshot that s becomes when the items of the lines set are put into it, in place of those of the same
// names, and those named in unset taken out. It fails as [New] does, and where unset names what s does not hold; s stays
// as it is in any case. If s is one to hand on ([Carry]) of which nothing has asked for more yet, so is what it becomes.
func (s *Snapshot) Apply(at At, set [][]byte, unset []string) (*Snapshot, error) {
	kept := slices.Repeat([]bool{true}, len(s.items))
	for _, name := range unset {
		i, found := s.find(name)
		if !found {
			return nil, fmt.Errorf("cannot unset %q: there is no such item", name)
		}
		kept[i] = false
	}
	slots, err := s.read(set)
	if err != nil {
		return nil, err
	}
	var fresh []*item
	for _, slot := range slots {
		if slot.at >= 0 {
			if !kept[slot.at] {
				return nil, errTwice(slot.item)
			}
			kept[slot.at] = false
		}
		fresh = append(fresh, slot.item)
	}
	next, err := s.with(at, kept, fresh)
	if err == nil && s.made() != nil {
		next.linked.Store(link(next.items, s))
	}
	return next, err
}

// with makes a snapshot of the items of s, which may be nil, that are kept, and of fresh ones, which are in any order. It is not linked.
func (s *Snapshot) with(at At, kept []bool, fresh []*item) (*Snapshot, error) {
	slices.SortFunc(fresh, func(a, b *item) int { return strings.Compare(a.name, b.name) })
	items := make([]*item, 0, len(kept)+len(fresh))
	for i, keep := range kept {
		if !keep {
			continue
		}
		for len(fresh) > 0 && fresh[0].name < s.items[i].name {
			items, fresh = append(items, fresh[0]), fresh[1:]
		}
		items = append(items, s.items[i])
	}
	items = append(items, fresh...)
	for i := 1; i < len(items); i++ {
		if items[i-1].name == items[i].name {
			return nil, errTwice(items[i])
		}
	}
	return assemble(at, items)
}

func errTwice(it *item) error { return fmt.Errorf("the item %s comes twice", it.name) }

// assemble makes a snapshot of items, which are in order of name. It is not linked.
func assemble(at At, items []*item) (*Snapshot, error) {
	s := &Snapshot{at: at, items: items}
	meta := s.item(metaName)
	if meta == nil {
		return nil, errors.New("a snapshot without the item meta")
	}
	if err := checkMeta(meta); err != nil {
		return nil, err
	}
	s.meta = *meta.read().meta
	s.at.Digest = digest(items)
	if at.Digest != "" && at.Digest != s.at.Digest {
		return nil, fmt.Errorf("%w: want %s, have %s", ErrDigest, at.Digest, s.at.Digest)
	}
	for _, it := range items {
		if it.isFlag() {
			s.flags++
		}
	}
	return s, nil
}

// slot is a line's item, and the index of the item of that name in the snapshot before; -1: it has none.
type slot struct {
	item *item
	at   int
}

// read gives the items of lines, those of s where it has the same lines; s may be nil.
func (s *Snapshot) read(lines [][]byte) ([]slot, error) {
	slots := make([]slot, len(lines))
	err := inParallel(len(lines), func(from, to int) (err error) {
		guess := 0
		for i := from; i < to; i++ {
			if slots[i], err = s.readLine(lines[i], guess); err != nil {
				return err
			}
			guess = max(guess, slots[i].at+1) // lines mostly come in order of name
		}
		return nil
	})
	return slots, err
}

// readLine gives the item of line, which is likely to stand in s where guess says.
func (s *Snapshot) readLine(line []byte, guess int) (slot, error) {
	if guess < s.size() && bytes.Equal(s.items[guess].line, line) {
		return slot{s.items[guess], guess}, s.items[guess].read().err
	}
	name, err := lineName(line)
	if err != nil {
		return slot{}, err
	}
	at, found := s.find(name)
	if found && bytes.Equal(s.items[at].line, line) {
		return slot{s.items[at], at}, s.items[at].read().err
	}
	if !found {
		at = -1
	}
	it, err := newItem(name, line)
	if err == nil {
		err = it.read().err
	}
	return slot{it, at}, err
}
