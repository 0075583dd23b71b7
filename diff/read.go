package diff

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// ReadPolicy reads a policy as the compiler writes it; of nil it gives the zero Policy, which allows everything. A field that
// it does not know is an error, since leaving it out would allow more.
func ReadPolicy(raw json.RawMessage) (Policy, error) {
	var p Policy
	if raw == nil {
		return p, nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return Policy{}, fmt.Errorf("read the policy: %w", err)
	}
	return p, nil
}
