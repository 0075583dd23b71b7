package holds

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	// maxHolds bounds how many holds are read, so that no input exhausts whoever reads it.
	maxHolds = 100_000
	// MaxBytes bounds a ledger as it is read from elsewhere.
	MaxBytes = 64 << 20
)

// document is a ledger as JSON.
type document struct {
	Holds     []Hold            `json:"holds"`
	Forgotten map[string]uint64 `json:"forgotten,omitempty"`
}

// MarshalJSON implements [json.Marshaler]: the holds in order of age. The same ledger is always the same text.
func (l *Ledger) MarshalJSON() ([]byte, error) {
	return json.Marshal(document{slices.AppendSeq([]Hold{}, l.All()), l.forgotten})
}

// UnmarshalJSON implements [json.Unmarshaler]. It takes all or nothing.
func (l *Ledger) UnmarshalJSON(text []byte) error {
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		return err
	}
	if len(d.Holds) > maxHolds {
		return fmt.Errorf("%d holds: at most %d are expected", len(d.Holds), maxHolds)
	}
	next := &Ledger{}
	for _, h := range d.Holds {
		h.normalize()
		if err := h.Check(); err != nil {
			return fmt.Errorf("hold %.80q: %w", h.ID, err)
		}
		next = next.add(h)
	}
	for environment, count := range d.Forgotten {
		if err := checkForgotten(environment, count); err != nil {
			return err
		}
	}
	*l = *next.Merge(&Ledger{forgotten: d.Forgotten})
	return nil
}

func checkForgotten(environment string, count uint64) error {
	if !isName(environment) || count == 0 || count > 1<<52 {
		return fmt.Errorf("forgotten: %.80q: %d: an environment and a count are expected", environment, count)
	}
	return nil
}

// add puts a hold into l, which nobody else has yet.
func (l *Ledger) add(h Hold) *Ledger {
	if l.holds == nil {
		l.holds = map[string]Hold{}
	}
	if old, known := l.holds[h.ID]; known {
		h = old.join(h)
	}
	l.holds[h.ID] = h
	return l
}

// normalize makes what means the same the same: times in UTC.
func (h *Hold) normalize() {
	h.Since = h.Since.UTC()
	if h.Until != nil {
		until := h.Until.UTC()
		h.Until = &until
	}
	if h.Ended != nil {
		ended := *h.Ended
		ended.At = ended.At.UTC()
		h.Ended = &ended
	}
}

// magic is what the file of a ledger begins with; the SHA-256 of all that follows the first line comes after it.
const magic = "yardarm-holds 1 sha256:"

// Encode writes a ledger as [Parse] reads it: a line a hold, so that what is damaged costs no more than itself.
func (l *Ledger) Encode() ([]byte, error) {
	var lines bytes.Buffer
	for _, environment := range slices.Sorted(maps.Keys(l.forgotten)) {
		line, err := json.Marshal(document{Forgotten: map[string]uint64{environment: l.forgotten[environment]}})
		if err != nil {
			return nil, err
		}
		lines.Write(append(line, '\n'))
	}
	for h := range l.All() {
		line, err := json.Marshal(h)
		if err != nil {
			return nil, err
		}
		lines.Write(append(line, '\n'))
	}
	sum := sha256.Sum256(lines.Bytes())
	return slices.Concat([]byte(magic+hex.EncodeToString(sum[:])+"\n"), lines.Bytes()), nil
}

// ErrDamaged is the error of a ledger that is not as it was written.
var ErrDamaged = errors.New("the file of holds is damaged")

// Parse reads what [Ledger.Encode] wrote. Of one that is damaged it gives, with [ErrDamaged], all holds that can still be read: a flag
// that is off for no reason can be released, one that is on against somebody's word does harm.
func Parse(text []byte) (*Ledger, error) {
	l := &Ledger{holds: map[string]Hold{}, forgotten: map[string]uint64{}}
	head, rest, _ := bytes.Cut(text, []byte("\n"))
	sum := sha256.Sum256(rest)
	bad := 0
	for line := range bytes.Lines(rest) {
		if len(l.holds) >= maxHolds || !l.read(bytes.TrimSuffix(line, []byte("\n"))) {
			bad++
		}
	}
	switch {
	case bad > 0:
		return l, fmt.Errorf("%w: %d of its lines can't be read", ErrDamaged, bad)
	case string(head) != magic+hex.EncodeToString(sum[:]):
		return l, fmt.Errorf("%w: it is not what its first line says", ErrDamaged)
	}
	return l, nil
}

// read takes a line, and says whether it could.
func (l *Ledger) read(line []byte) bool {
	var d document
	if strings.HasPrefix(string(line), `{"holds":`) {
		if json.Unmarshal(line, &d) != nil {
			return false
		}
		for environment, count := range d.Forgotten {
			if checkForgotten(environment, count) != nil {
				return false
			}
			l.forgotten[environment] = max(l.forgotten[environment], count)
		}
		return true
	}
	var h Hold
	if json.Unmarshal(line, &h) != nil {
		return false
	}
	if h.normalize(); h.Check() != nil {
		return false
	}
	l.add(h)
	return true
}
