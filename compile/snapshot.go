package compile

import (
	"fmt"
	"maps"
	"sync"

	"github.com/yardarm-io/yardarm/compile/folder"
	"github.com/yardarm-io/yardarm/eval"
)

// snapshots builds one snapshot for each environment, taking over from the last ones what has not changed.
func (c *Compiler) snapshots(project folder.Project, units []*unit, at eval.At) (map[string]*eval.Snapshot, error) {
	c.mu.Lock()
	last := c.last
	c.mu.Unlock()
	at.Digest = ""
	built := make([]*eval.Snapshot, len(project.Environments))
	failures := make([]error, len(project.Environments))
	segments := segmentItems(units)
	var group sync.WaitGroup
	for i, environment := range project.Environments {
		group.Go(func() {
			lines, err := collect(environment, units, segments)
			if err == nil {
				built[i], err = eval.New(at, lines, last[environment])
			}
			if err != nil {
				failures[i] = fmt.Errorf("build the snapshot of %s: %w", environment, err)
			}
		})
	}
	group.Wait()
	snapshots := make(map[string]*eval.Snapshot, len(built))
	for i, environment := range project.Environments {
		if failures[i] != nil {
			return nil, failures[i]
		}
		snapshots[environment] = built[i]
	}
	c.mu.Lock()
	c.last = maps.Clone(snapshots)
	c.mu.Unlock()
	return snapshots, nil
}

// collect gathers an environment's lines: the meta item, its flags, and the segments that these reach.
func collect(environment string, units []*unit, segments map[string]item) ([][]byte, error) {
	meta, err := eval.Line("meta", eval.Meta{Format: eval.Format, Environment: environment, Bucketing: eval.Bucketing, Compiler: Version})
	if err != nil {
		return nil, err
	}
	lines := [][]byte{meta}
	reached := map[string]bool{}
	var reach func(names []string)
	reach = func(names []string) {
		for _, name := range names {
			if !reached[name] {
				reached[name] = true
				lines = append(lines, segments[name].line)
				reach(segments[name].Uses)
			}
		}
	}
	for _, u := range units {
		for i := range u.items {
			if it := &u.items[i]; it.Environment == environment {
				lines = append(lines, it.line)
				reach(it.Uses)
			}
		}
	}
	return lines, nil
}

func segmentItems(units []*unit) map[string]item {
	segments := map[string]item{}
	for _, u := range units {
		for _, it := range u.items {
			if it.Environment == "" {
				segments[u.result.Segments[it.Flag].Name] = it
			}
		}
	}
	return segments
}
