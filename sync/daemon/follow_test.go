package daemon

import (
	"testing"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/eval"
)

// TestRefuseUnsendable shows that no environment of a commit is published where another could not be.
func TestRefuseUnsendable(t *testing.T) {
	of := func(environment string) *eval.Snapshot {
		meta, err := eval.Line("meta", eval.Meta{Format: eval.Format, Environment: environment, Bucketing: eval.Bucketing})
		if err != nil {
			t.Fatal(err)
		}
		s, err := eval.New(eval.At{Revision: "1", Generation: 1}, [][]byte{meta}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	good := &compile.Output{Snapshots: map[string]*eval.Snapshot{"production": of("production"), "staging": of("staging")}}
	if refuseUnsendable(good); good.Err() != nil || len(good.Snapshots) != 2 {
		t.Errorf("refused: %v", good.Err())
	}
	bad := &compile.Output{Snapshots: map[string]*eval.Snapshot{"production": of("production"), "staging": of("test")}}
	if refuseUnsendable(bad); bad.Err() == nil || bad.Snapshots != nil {
		t.Errorf("Err = %v with %d snapshots, want one error and none", bad.Err(), len(bad.Snapshots))
	}
}
