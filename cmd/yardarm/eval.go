package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/eval"
)

// evalOptions are eval's flags.
type evalOptions struct {
	environment, context, format string
	explain                      bool
}

func (a *app) evalCommand() *cobra.Command {
	var o evalOptions
	cmd := &cobra.Command{
		Use:   "eval FLAG",
		Short: "Say what a flag serves to an evaluation context, and why",
		Long: `Eval decides as services do, from the flag files as they lie in the folder. What in the context does not fit #Context in
schema/context.cue is said on standard error: services may send it, but conditions cannot have been meant for it.`,
		Example: `  yardarm eval checkout.new-payment --environment production --context '{"targetingKey": "user-1", "plan": "pro"}'
  yardarm eval checkout.new-payment --environment production --context @context.json --explain
  echo '{"targetingKey": "user-1"}' | yardarm eval search.ranker --environment staging --context @-`,
		Args:              oneArg("name a flag, such as checkout.new-payment"),
		ValidArgsFunction: a.offerFlags,
		RunE:              a.runs(func(cmd *cobra.Command, args []string) error { return a.eval(cmd, args[0], o) }),
	}
	flags := cmd.Flags()
	flags.StringVar(&o.environment, "environment", "", "the environment to ask in")
	flags.StringVar(&o.context, "context", "{}", "the evaluation context: JSON, @FILE, or @- for standard input")
	flags.StringVar(&o.format, "format", "text", "text or json")
	flags.BoolVar(&o.explain, "explain", false, "tell each step of the decision")
	complete(cmd, "environment", a.offerEnvironments)
	complete(cmd, "format", offer("text", "json"))
	return cmd
}

func (a *app) eval(cmd *cobra.Command, key string, o evalOptions) error {
	if err := checkFormat(o.format); err != nil {
		return err
	}
	ec, err := a.readContext(o.context)
	if err != nil {
		return err
	}
	at, err := a.position(cmd.Context())
	if err != nil {
		return err
	}
	out, err := a.compileGood(cmd.Context(), at)
	if err != nil {
		return err
	}
	snapshot, err := environmentOf(out, o.environment)
	if err != nil {
		return err
	}
	if snapshot.Flag(key) == nil {
		return usagef("there is no flag %q%s", key, suggestFlag(snapshot, key))
	}
	printProblems(a.stderr, out.CheckContext(ec))
	return a.printDecision(snapshot, key, ec, o)
}

// decision is an answer as --format json prints it: OpenFeature's evaluation details.
type decision struct {
	Flag         string            `json:"flag"`
	Value        any               `json:"value"`
	Variant      string            `json:"variant,omitempty"`
	Reason       eval.Reason       `json:"reason"`
	ErrorCode    eval.ErrorCode    `json:"errorCode,omitempty"`
	ErrorMessage string            `json:"errorMessage,omitempty"`
	Metadata     map[string]string `json:"metadata"`
	Trace        *eval.Trace       `json:"trace,omitempty"`
}

func (a *app) printDecision(snapshot *eval.Snapshot, key string, ec eval.Context, o evalOptions) error {
	now := time.Now()
	result := snapshot.Decide(key, ec, now)
	var trace *eval.Trace
	if o.explain {
		t := snapshot.Explain(key, ec, now)
		trace = &t
	}
	if o.format == "json" {
		return printJSON(a.stdout, decision{
			Flag: key, Value: result.Value, Variant: result.Variant, Reason: result.Reason,
			ErrorCode: result.ErrorCode, ErrorMessage: result.ErrorMessage, Trace: trace,
			Metadata: map[string]string{"version": snapshot.At().Revision, "flagSetId": snapshot.Meta().Environment},
		})
	}
	if trace != nil {
		fmt.Fprint(a.stdout, trace.String())
		return nil
	}
	_, err := fmt.Fprintln(a.stdout, decisionLine(key, result))
	return err
}

// decisionLine is an answer in one line, for people.
func decisionLine(key string, r eval.Result) string {
	switch {
	case r.ErrorCode != "":
		return fmt.Sprintf("%s: the caller's default (%s: %s)", key, r.ErrorCode, r.ErrorMessage)
	case r.Value == nil:
		return fmt.Sprintf("%s: the caller's default (%s)", key, r.Reason)
	}
	value, err := json.Marshal(r.Value)
	if err != nil {
		value = fmt.Append(nil, r.Value)
	}
	return fmt.Sprintf("%s = %s (variant %s, %s)", key, value, r.Variant, r.Reason)
}

// suggestFlag names the flags whose keys contain what was asked for, or share its last part, or else the one that it is a
// slip of.
func suggestFlag(snapshot *eval.Snapshot, key string) string {
	var near, keys []string
	last := key[strings.LastIndexByte(key, '.')+1:]
	for flag := range snapshot.Flags() {
		keys = append(keys, flag.Key)
		if strings.Contains(flag.Key, last) || strings.Contains(key, flag.Key) {
			near = append(near, flag.Key)
		}
	}
	if slip := compile.Nearest(key, keys); slip != "" && (len(near) == 0 || len(near) > 5) {
		near = []string{slip}
	}
	if len(near) == 0 || len(near) > 5 {
		return fmt.Sprintf(" among the %s of this environment", plural(snapshot.Len(), "flag"))
	}
	return "; did you mean " + list(near) + "?"
}
