package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/yardarm-io/yardarm/diff"
	"github.com/yardarm-io/yardarm/diff/review"
	"github.com/yardarm-io/yardarm/eval"
)

// inputs reads the files that the options name into a request.
func (a *app) inputs(o judgeOptions) (review.Request, error) {
	r := review.Request{Now: o.now}
	for _, input := range []struct {
		flag, file string
		read       func([]byte) error
	}{
		{"population", o.population, func(text []byte) (err error) { r.Population, err = readPopulation(text); return err }},
		{"usage", o.usage, func(text []byte) (err error) { r.Usage, err = readUsage(text); return err }},
		{"approvals", o.voted, func(text []byte) (err error) { r.Approvals, err = readApprovals(text); return err }},
	} {
		if input.file == "" {
			continue
		}
		text, err := a.readFile(input.file)
		if err == nil {
			err = input.read(text)
		}
		if err != nil {
			return r, usagef("--%s %s: %w", input.flag, input.file, err)
		}
	}
	return r, nil
}

// mostPeople is how many contexts a population is scaled to where its counts add up to more.
const mostPeople = 100_000

// readPopulation reads sample contexts, one a line: a context, or {"context": {...}, "count": N} for N times the same.
func readPopulation(text []byte) ([]eval.Context, error) {
	var contexts []eval.Context
	var counts []float64
	total := 0.0
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		ec, err := parseContext(line)
		if err != nil {
			return nil, fmt.Errorf("line %d %w", n, err)
		}
		ec, count, err := counted(ec)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		contexts, counts, total = append(contexts, ec), append(counts, count), total+count
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if total == 0 {
		return nil, errors.New(`it has no contexts; write one a line, such as {"targetingKey": "user-1", "plan": "pro"}`)
	}
	return repeat(contexts, counts, min(1, mostPeople/total)), nil
}

// counted takes {"context": {...}, "count": N} apart; any other object is a context that stands for itself.
func counted(ec eval.Context) (eval.Context, float64, error) {
	number, isNumber := ec["count"].(json.Number)
	inner, isObject := ec["context"].(map[string]any)
	if len(ec) != 2 || !isNumber || !isObject {
		return ec, 1, nil
	}
	count, err := number.Float64()
	if err != nil || count < 0 || count > 1e15 || count != math.Trunc(count) {
		return nil, 0, fmt.Errorf("the count %s is no whole number from 0 on", number)
	}
	return inner, count, nil
}

// repeat gives each context as often as it counts, scaled; once at least, so that nobody who is there is overlooked.
func repeat(contexts []eval.Context, counts []float64, scale float64) []eval.Context {
	var all []eval.Context
	for i, ec := range contexts {
		if counts[i] > 0 {
			all = append(all, slices.Repeat([]eval.Context{ec}, max(1, int(math.Round(counts[i]*scale))))...)
		}
	}
	return all
}

// readUsage reads how often flags were asked for.
func readUsage(text []byte) (diff.Usage, error) {
	var usage diff.Usage
	if err := json.Unmarshal(text, &usage); err != nil {
		return nil, fmt.Errorf(`it is not as {"FLAG": {"ENVIRONMENT": 1200}}: %w`, err)
	}
	for flag, counts := range usage {
		for environment, count := range counts {
			if count < 0 {
				return nil, fmt.Errorf("%q was asked for %d times in %q, which is less than never", flag, count, environment)
			}
		}
	}
	if usage == nil {
		usage = diff.Usage{} // nothing is counted
	}
	return usage, nil
}

// vote is a review of a pull request, as GitHub's API lists it, and the teams of who wrote it, which one may add.
type vote struct {
	User *struct {
		Login string `json:"login"`
	} `json:"user"`
	State    string   `json:"state"`
	CommitID string   `json:"commit_id"`
	Teams    []string `json:"teams"`
}

// readApprovals reads the reviews of a pull request, in order of time: one list or several, a page each. Of each person the
// last one counts that approves, demands changes or was dismissed.
func readApprovals(text []byte) ([]diff.Approval, error) {
	last := map[string]*diff.Approval{}
	var people []string
	for decoder := json.NewDecoder(bytes.NewReader(text)); ; {
		var page []vote
		err := decoder.Decode(&page)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf(`it is no list of reviews such as [{"user": {"login": "ada"}, "state": "APPROVED", "commit_id": "..."}]: %w`, err)
		}
		for _, v := range page {
			if v.User == nil { // who wrote it is gone
				continue
			}
			who := strings.ToLower(v.User.Login)
			if _, known := last[who]; !known {
				people = append(people, who)
				last[who] = nil
			}
			switch strings.ToUpper(v.State) {
			case "APPROVED":
				last[who] = &diff.Approval{Who: v.User.Login, Head: v.CommitID, Teams: v.Teams}
			case "CHANGES_REQUESTED", "DISMISSED":
				last[who] = nil
			}
		}
	}
	var approvals []diff.Approval
	for _, who := range people {
		if last[who] != nil {
			approvals = append(approvals, *last[who])
		}
	}
	return approvals, nil
}
