package diff

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/yardarm-io/yardarm/eval"
)

// changes tells how the flag of a key differs in two snapshots of an environment, either of which may be nil; none where it
// does not. A segment that it uses and that differs counts as a change of its own.
func changes(before, after *eval.Snapshot, key string) []Change {
	old, now := flagOf(before, key), flagOf(after, key)
	switch {
	case old == nil && now == nil:
		return nil
	case old == nil:
		return []Change{{Kind: FlagAdded, Text: "the flag is new: " + flagWords(now), after: mainRule(now)}}
	case now == nil:
		return []Change{{Kind: FlagRemoved, Text: "the flag is removed: " + removedWords(old), before: offRule(old)}}
	}
	c := &comparison{before: before, after: after, old: old, now: now}
	c.all()
	slices.SortStableFunc(c.found, func(a, b Change) int { return cmp.Compare(order[a.Kind], order[b.Kind]) })
	return c.found
}

func flagOf(s *eval.Snapshot, key string) *eval.Flag {
	if s == nil {
		return nil
	}
	return s.Flag(key)
}

// order is that in which the kinds of change are told.
var order = func() map[ChangeKind]int {
	kinds := []ChangeKind{FlagAdded, FlagRemoved, FlagEnabled, FlagDisabled, TypeChanged, VariantAdded, VariantRemoved, VariantChanged,
		OffChanged, PrerequisiteChanged, TargetsChanged, RuleAdded, RuleRemoved, RuleMoved, AudienceWidened, AudienceNarrowed, AudienceChanged,
		ShareChanged, RampChanged, ScheduleChanged, LayerChanged, SplitChanged, OutcomeChanged, BucketingChanged, ExposureChanged,
		SegmentChangedInside, MetadataChanged}
	places := make(map[ChangeKind]int, len(kinds))
	for i, kind := range kinds {
		places[kind] = i
	}
	return places
}()

// comparison is that of one flag under way.
type comparison struct {
	before, after *eval.Snapshot
	old, now      *eval.Flag
	found         []Change
}

func (c *comparison) add(kind ChangeKind, format string, args ...any) {
	c.found = append(c.found, Change{Kind: kind, Text: fmt.Sprintf(format, args...)})
}

func (c *comparison) all() {
	switch {
	case c.now.Enabled && !c.old.Enabled:
		c.found = append(c.found, Change{Kind: FlagEnabled, Text: "the flag is turned on", after: mainRule(c.now)})
	case c.old.Enabled && !c.now.Enabled:
		c.add(FlagDisabled, "the flag is turned off: everyone gets %s", offWords(c.now))
	}
	c.variants()
	if off, was := offWords(c.now), offWords(c.old); off != was {
		c.add(OffChanged, "off means %s instead of %s", off, was)
	}
	c.prerequisites()
	c.targets()
	c.rules()
	c.outcome(ownRule(c.old), ownRule(c.now))
	c.exposure()
	c.segments()
	c.metadata()
}

// mainRule is the only rule of a flag that is off for all others, or else what is done with those who remain.
func mainRule(f *eval.Flag) *eval.Rule {
	if own := ownRule(f); len(f.Rules) != 1 || f.Off == nil || own.Serve != *f.Off {
		return own
	}
	return &f.Rules[0]
}

// offRule is what off means, as a rule that has no name.
func offRule(f *eval.Flag) *eval.Rule {
	if f.Off == nil {
		return &eval.Rule{}
	}
	return &eval.Rule{Outcome: eval.Outcome{Serve: *f.Off}}
}

// ownRule is what an environment does with those who remain, as a rule that has no name.
func ownRule(f *eval.Flag) *eval.Rule { return &eval.Rule{Outcome: f.Outcome} }

func (c *comparison) prerequisites() {
	for _, key := range union(c.old.Requires, c.now.Requires) {
		was, will := c.old.Requires[key], c.now.Requires[key]
		switch {
		case sameSet(was, will):
		case was == nil:
			c.add(PrerequisiteChanged, "it now requires the flag %q to serve %s", key, either(will))
		case will == nil:
			c.add(PrerequisiteChanged, "it no longer requires the flag %q to serve %s", key, either(was))
		default:
			c.add(PrerequisiteChanged, "it requires the flag %q to serve %s instead of %s", key, either(will), either(was))
		}
	}
}

// targets tells by what the single targeting keys get, since a key that only changes sides is neither new nor gone.
func (c *comparison) targets() {
	was, will := targetsOf(c.old), targetsOf(c.now)
	moved := map[[2]string][]string{}
	for _, key := range union(was, will) {
		if pair := [2]string{was[key], will[key]}; pair[0] != pair[1] {
			moved[pair] = append(moved[pair], key)
		}
	}
	for _, pair := range sortedPairs(moved) {
		keys := keysWords(moved[pair])
		switch {
		case pair[0] == "":
			c.add(TargetsChanged, "%s now always gets %q", keys, pair[1])
		case pair[1] == "":
			c.add(TargetsChanged, "%s no longer always gets %q", keys, pair[0])
		default:
			c.add(TargetsChanged, "%s always gets %q instead of %q", keys, pair[1], pair[0])
		}
	}
}

// targetsOf gives the variant of each targeting key that has one of its own: of several the first by name, as the engine does.
func targetsOf(f *eval.Flag) map[string]string {
	targets := map[string]string{}
	for _, variant := range sortedKeys(f.Targets) {
		for _, key := range f.Targets[variant] {
			if _, earlier := targets[key]; !earlier {
				targets[key] = variant
			}
		}
	}
	return targets
}

func (c *comparison) exposure() {
	switch {
	case c.now.Client && !c.old.Client:
		c.add(ExposureChanged, "browsers and other public clients may ask for the flag now")
	case c.old.Client && !c.now.Client:
		c.add(ExposureChanged, "browsers and other public clients may no longer ask for the flag")
	}
}

func (c *comparison) metadata() {
	for _, field := range []struct{ name, was, will string }{
		{"description", c.old.Description, c.now.Description}, {"owner", c.old.Owner, c.now.Owner},
		{"kind", c.old.Kind, c.now.Kind}, {"day of expiry", c.old.Expires, c.now.Expires},
	} {
		switch {
		case field.was == field.will:
		case field.name == "description":
			c.add(MetadataChanged, "its description is another one")
		case field.was == "":
			c.add(MetadataChanged, "it has a %s: %s", field.name, field.will)
		case field.will == "":
			c.add(MetadataChanged, "it no longer has a %s", field.name)
		default:
			c.add(MetadataChanged, "its %s is %s instead of %s", field.name, field.will, field.was)
		}
	}
}

// segments tells how the segments differ that the flag uses in both states.
func (c *comparison) segments() {
	was, will := usedSegments(c.before, c.old), usedSegments(c.after, c.now)
	for _, name := range sortedKeys(will) {
		if was[name] == nil || will[name] == nil || same(*was[name], *will[name]) {
			continue
		}
		old, now := &eval.Rule{When: was[name]}, &eval.Rule{When: will[name]}
		c.add(SegmentChangedInside, "the segment %s holds %s", name, strings.TrimPrefix(c.audienceWords(old, now), "reaches "))
	}
}
