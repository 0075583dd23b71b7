package compile

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/yardarm-io/yardarm/compile/folder"
	"github.com/yardarm-io/yardarm/eval"
)

// unit is one compiled folder, immutable. Its items point into the bytes it was decoded from.
type unit struct {
	project folder.Project // of the folder schema only
	result  folder.Result
	items   []item
}

// item is one line of snapshots: a flag in an environment, or a segment.
type item struct {
	Flag        int      `json:"flag"`                  // index in the result's flags, or its segments where Environment is ""
	Environment string   `json:"environment,omitempty"` // "": in any
	Length      int      `json:"length"`
	Uses        []string `json:"uses,omitempty"` // segments that it refers to itself, sorted
	line        []byte
}

// head is the part of an encoded unit that is JSON; the items' lines follow it as they are.
type head struct {
	Project folder.Project `json:"project"`
	Result  folder.Result  `json:"result"`
	Items   []item         `json:"items,omitempty"`
}

// encode writes a folder's outcome in the form that workers answer with and that is kept on disk.
func encode(project folder.Project, result folder.Result) ([]byte, error) {
	h := head{Project: project, Result: result}
	var lines []byte
	add := func(it item, name string, raw json.RawMessage) {
		start := len(lines)
		lines = append(append(append(lines, name...), ' '), raw...)
		it.Length = len(lines) - start
		h.Items = append(h.Items, it)
	}
	h.Result.Flags = slices.Clone(result.Flags)
	for i, flag := range result.Flags {
		for _, environment := range sortedKeys(flag.Environments) {
			raw := flag.Environments[environment]
			uses, err := segmentsOf(raw)
			if err != nil {
				return nil, fmt.Errorf("flag %s: %w", flag.Key, err)
			}
			add(item{Flag: i, Environment: environment, Uses: uses}, "flag "+flag.Key, raw)
		}
		h.Result.Flags[i].Environments = nil
	}
	h.Result.Segments = slices.Clone(result.Segments)
	for i, segment := range result.Segments {
		add(item{Flag: i, Uses: segment.Uses}, "segment "+segment.Name, segment.JSON)
		h.Result.Segments[i].JSON = nil
	}
	text, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	return append(append(binary.AppendUvarint(nil, uint64(len(text))), text...), lines...), nil
}

var errEncoding = errors.New("a compiled folder's encoding is broken")

// decode reads what encode wrote. The unit keeps data.
func decode(data []byte) (*unit, error) {
	length, n := binary.Uvarint(data)
	if n <= 0 || length > uint64(len(data)-n) {
		return nil, fmt.Errorf("%w: %w", errEncoding, io.ErrUnexpectedEOF)
	}
	var h head
	if err := json.Unmarshal(data[n:n+int(length)], &h); err != nil {
		return nil, fmt.Errorf("%w: %w", errEncoding, err)
	}
	u := &unit{project: h.Project, result: h.Result, items: h.Items}
	lines := data[n+int(length):]
	for i := range u.items {
		it := &u.items[i]
		if it.Length < 0 || it.Length > len(lines) {
			return nil, fmt.Errorf("%w: %w", errEncoding, io.ErrUnexpectedEOF)
		}
		it.line, lines = lines[:it.Length:it.Length], lines[it.Length:]
		if err := u.restore(it); err != nil {
			return nil, err
		}
	}
	return u, nil
}

// restore gives a flag or a segment its JSON back.
func (u *unit) restore(it *item) error {
	var name string
	switch {
	case it.Environment != "" && uint(it.Flag) < uint(len(u.result.Flags)):
		name = "flag " + u.result.Flags[it.Flag].Key + " "
	case it.Environment == "" && uint(it.Flag) < uint(len(u.result.Segments)):
		name = "segment " + u.result.Segments[it.Flag].Name + " "
	default:
		return fmt.Errorf("%w: an item of nothing", errEncoding)
	}
	if len(it.line) < len(name) || string(it.line[:len(name)]) != name {
		return fmt.Errorf("%w: a line of another item than %q", errEncoding, name)
	}
	raw := json.RawMessage(it.line[len(name):])
	if it.Environment == "" {
		u.result.Segments[it.Flag].JSON = raw
		return nil
	}
	flag := &u.result.Flags[it.Flag]
	if flag.Environments == nil {
		flag.Environments = make(map[string]json.RawMessage, 2)
	}
	flag.Environments[it.Environment] = raw
	return nil
}

// at is where an item's flag or segment stands.
func (u *unit) at(it item) folder.Position {
	if it.Environment == "" {
		return u.result.Segments[it.Flag].At
	}
	return u.result.Flags[it.Flag].At
}

// segmentsOf lists the segments that a flag refers to, sorted.
func segmentsOf(raw json.RawMessage) ([]string, error) {
	var flag struct {
		Rules []eval.Rule `json:"rules"`
	}
	if err := json.Unmarshal(raw, &flag); err != nil {
		return nil, err
	}
	var names []string
	for _, rule := range flag.Rules {
		for _, c := range []*eval.Condition{rule.When, rule.Unless} {
			if c != nil {
				names = appendSegments(names, *c)
			}
		}
		for _, c := range rule.Any {
			names = appendSegments(names, c)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func appendSegments(names []string, c eval.Condition) []string {
	if c.Op == eval.OpSegment {
		names = append(names, c.Text)
	}
	for _, of := range c.Of {
		names = appendSegments(names, of)
	}
	for _, field := range c.Fields {
		names = appendSegments(names, field.Condition)
	}
	return names
}
