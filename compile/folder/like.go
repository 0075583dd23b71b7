package folder

import (
	"slices"

	"github.com/yardarm-io/yardarm/eval"
)

// block is a flag as it stands in one environment, with what its folder cannot check alone.
type block struct {
	flag     eval.Flag
	requires []Require
	slots    []Slot
	ends     []End
	rules    []Position
}

// in gives what an environment takes over from the block of the one that it is like.
func (b *block) in(environment string) *block {
	taken := &block{flag: b.flag, requires: slices.Clone(b.requires), slots: slices.Clone(b.slots), ends: slices.Clone(b.ends), rules: b.rules}
	for i := range taken.requires {
		taken.requires[i].Environment = environment
	}
	for i := range taken.slots {
		taken.slots[i].Environment = environment
	}
	return taken
}

// readEnvironments adds the flag as it stands in each environment to the result: those that are like another after it.
func (f *flagReader) readEnvironments() {
	blocks := map[string]*block{}
	for _, like := range []bool{false, true} {
		for _, name := range f.project.Environments {
			w := f.written.Environments[name]
			if (w.Like != nil) != like {
				continue
			}
			var base *block
			if like && f.checkLike(name, *w.Like) {
				base = blocks[*w.Like].in(name)
			} else if like {
				base = &block{flag: f.base} // it is said what is wrong
			}
			blocks[name] = f.readBlock(name, base)
		}
	}
	for _, name := range f.project.Environments {
		f.writeBlock(name, blocks[name])
	}
}

// checkLike requires that an environment is like another one that says all for itself.
func (f *flagReader) checkLike(name, like string) bool {
	steps := []string{"environments", name, "like"}
	others := slices.DeleteFunc(slices.Clone(f.project.Environments), func(other string) bool { return other == name })
	base, written := f.written.Environments[like]
	switch {
	case like == name:
		f.badValue(steps, didYouMean("", others), "an environment cannot be like itself")
	case !slices.Contains(f.project.Environments, like):
		f.badValue(steps, didYouMean(like, others), "there is no environment %s", quote(like))
	case !written:
		f.badValue(steps, "add environments: "+like+": {...}, or remove like", "this flag says nothing for %s", quote(like))
	case base.Like == nil:
		return true
	case *base.Like != name:
		f.badValue(steps, "name the one that says who gets what", "%s is itself like %s", quote(like), quote(*base.Like))
	case slices.Index(f.project.Environments, name) < slices.Index(f.project.Environments, like):
		f.badValue(steps, "write one of them out", "%s and %s are like each other", quote(name), quote(like)) // once
	}
	return false
}
