package main

import (
	"fmt"
	"time"

	"github.com/launchdarkly/go-sdk-common/v3/ldcontext"
	evaluation "github.com/launchdarkly/go-server-sdk-evaluation/v3"
	"github.com/launchdarkly/go-server-sdk-evaluation/v3/ldmodel"

	"github.com/yardarm-io/yardarm/eval"
)

// flagKey is the key of the flag that each scenario asks about.
const flagKey = "f"

// The one context that all are asked about, as each engine takes it.
var (
	attributes = eval.Context{"targetingKey": "user-1842", "email": "ann@corp.example", "plan": "pro", "age": 42, "country": "DE"}
	person     = ldcontext.NewBuilder("user-1842").SetString("email", "ann@corp.example").SetString("plan", "pro").
			SetInt("age", 42).SetString("country", "DE").Build()
)

// engines are both engines, made ready for a scenario. Each call is one decision.
type engines struct {
	snapshot     *eval.Snapshot
	data         data
	yardarm      func() bool
	launchDarkly func() bool
}

// prepare makes both engines ready. What it does is not measured.
func (sc *scenario) prepare() (*engines, error) {
	lines := [][]byte{[]byte(`meta {"bucketing":"murmur3-v2","compiler":"1","environment":"production","format":1}`)}
	for _, line := range sc.items {
		lines = append(lines, []byte(line))
	}
	snapshot, err := eval.New(eval.At{}, lines, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", sc.name, err)
	}
	e := &engines{snapshot: snapshot, data: newData(sc)}
	evaluator := evaluation.NewEvaluator(e.data)
	e.yardarm = func() bool { return decideOurs(snapshot, attributes) }
	e.launchDarkly = func() bool { return decideTheirs(evaluator, e.data, person) }
	return e, nil
}

func decideOurs(s *eval.Snapshot, ec eval.Context) bool {
	on, _ := s.Decide(flagKey, ec, time.Time{}).Value.(bool)
	return on
}

func decideTheirs(evaluator evaluation.Evaluator, d data, context ldcontext.Context) bool {
	result := evaluator.Evaluate(d.GetFeatureFlag(flagKey), context, nil)
	return result.Detail.Value.BoolValue()
}

// data holds what LaunchDarkly's evaluator asks for.
type data struct {
	flags    map[string]*ldmodel.FeatureFlag
	segments map[string]*ldmodel.Segment
}

func newData(sc *scenario) data {
	d := data{map[string]*ldmodel.FeatureFlag{}, map[string]*ldmodel.Segment{}}
	for i := range sc.flags {
		d.flags[sc.flags[i].Key] = &sc.flags[i]
	}
	for i := range sc.segments {
		d.segments[sc.segments[i].Key] = &sc.segments[i]
	}
	return d
}

// GetFeatureFlag implements [evaluation.DataProvider].
func (d data) GetFeatureFlag(key string) *ldmodel.FeatureFlag { return d.flags[key] }

// GetSegment implements [evaluation.DataProvider].
func (d data) GetSegment(key string) *ldmodel.Segment { return d.segments[key] }
