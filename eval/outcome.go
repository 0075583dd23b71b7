package eval

import (
	"errors"
	"fmt"
)

// outcome is an [Outcome] made ready: one answer, or a split.
type outcome struct {
	serve *Result
	bucketer
	split []slice
}

// slice is a part of a split: what remains below the bucket end.
type slice struct {
	end    int
	result *Result
}

// newOutcome readies o; reason is that of serve.
func (d *decider) newOutcome(o *Outcome, reason Reason) (out outcome, err error) {
	if (o.Serve == "") == (o.Split == nil) {
		return out, errors.New("want one of serve and split")
	}
	if o.Split == nil {
		out.serve, err = d.result(o.Serve, reason)
		return out, err
	}
	out.bucketer = newBucketer(o.By, d.salt(o)+":")
	end := 0
	for _, variant := range sortedKeys(o.Split) {
		result, err := d.result(variant, ReasonSplit)
		if err != nil {
			return out, fmt.Errorf("split: %w", err)
		}
		weight := o.Split[variant]
		if weight < 0 || weight > whole {
			return out, fmt.Errorf("split: the weight %d is not within 0 and %d", weight, whole)
		}
		end += weight
		out.split = append(out.split, slice{end, result})
	}
	if end != whole {
		return out, fmt.Errorf("split: the weights add up to %d, not to %d", end, whole)
	}
	return out, nil
}

// salt is what is hashed first for o.
func (d *decider) salt(o *Outcome) string {
	if o.Salt != "" {
		return o.Salt
	}
	return d.flag.Key
}

// pick gives the outcome's answer; nil where it is a split and ec has no value to bucket by.
func (o *outcome) pick(ec Context) *Result {
	if o.serve != nil {
		return o.serve
	}
	bucket, ok := o.bucket(ec)
	if !ok {
		return nil
	}
	for i := range o.split {
		if bucket < o.split[i].end {
			return o.split[i].result
		}
	}
	return nil
}
