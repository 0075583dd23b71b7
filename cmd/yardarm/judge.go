package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/diff"
	"github.com/yardarm-io/yardarm/diff/render"
	"github.com/yardarm-io/yardarm/diff/review"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
)

// judgeOptions are the flags of what judges a change: diff, and check --base.
type judgeOptions struct {
	base, head               string // revisions; head is "" for the files as they lie in the folder
	proposed                 string // --head: the commit that approvals are given to
	environment, format      string
	writes                   []string
	at                       string
	population, usage, voted string // files

	now     time.Time
	outputs []output
}

// output is a format in which a review goes to a file.
type output struct {
	format render.Format
	file   string
}

func (o *judgeOptions) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.format, "format", string(render.Text), "what to print: "+strings.Join(formatNames(), ", "))
	complete(cmd, "format", offer(formatNames()...))
	flags.StringArrayVar(&o.writes, "write", nil, "also write a FORMAT to a FILE, as in sarif=flags.sarif; may be repeated")
	flags.StringVar(&o.proposed, "head", "", "the commit that was proposed, to which approvals are given (default: the one checked out)")
	flags.StringVar(&o.voted, "approvals", "", "a file with the reviews of the pull request, as GitHub's API lists them")
	flags.StringVar(&o.population, "population", "", `a file of sample contexts, one a line as JSON, to weigh whom a change moves; {"context": {...}, "count": 40} stands for forty`)
	flags.StringVar(&o.usage, "usage", "", `a file that says how often flags were asked for of late: {"FLAG": {"ENVIRONMENT": 1200}}`)
	flags.StringVar(&o.at, "at", "", "judge as if it were merged at this time, such as 2026-12-24T09:00:00Z")
}

func formatNames() []string {
	var names []string
	for _, format := range render.Formats() {
		names = append(names, string(format))
	}
	return names
}

// check refuses what can't be meant before any work is done.
func (o *judgeOptions) check() error {
	if !slices.Contains(formatNames(), o.format) {
		return usagef("--format %q: write one of %s", o.format, strings.Join(formatNames(), ", "))
	}
	for _, write := range o.writes {
		format, file, _ := strings.Cut(write, "=")
		if file == "" || !slices.Contains(formatNames(), format) {
			return usagef("--write %q: write FORMAT=FILE, such as sarif=flags.sarif; a format is one of %s", write, strings.Join(formatNames(), ", "))
		}
		o.outputs = append(o.outputs, output{render.Format(format), file})
	}
	o.now = time.Now()
	if o.at == "" {
		return nil
	}
	at, err := eval.Instant(o.at)
	if day, dayErr := time.Parse(time.DateOnly, o.at); dayErr == nil {
		at, err = day, nil
	}
	if err != nil {
		return usagef("--at %q: %w", o.at, err)
	}
	o.now = at
	return nil
}

// judge reviews the change from o.base to o.head and prints it in every format asked for; errProblems if it fails.
func (a *app) judge(ctx context.Context, root string, o judgeOptions) error {
	request, err := a.inputs(o)
	if err != nil {
		return err
	}
	progress := newProgress(a.stderr)
	defer progress.erase()
	compiler, err := compile.New(compile.Config{CacheDir: cacheDir("compile"), Progress: progress.tell, Now: func() time.Time { return o.now }})
	if err != nil {
		return err
	}
	found, err := a.propose(ctx, root, o)
	if conflict, ok := errors.AsType[*gitrepo.ConflictError](err); ok {
		fmt.Fprintf(a.stderr, "yardarm: %s cannot be merged into %s: %v; merge %s and settle that first\n",
			cmp.Or(o.head, workingFolder), o.base, conflict, o.base)
		return errProblems
	}
	if err != nil {
		return err
	}
	defer found.close()
	found.fill(ctx, compiler, &request)
	reviewed, err := review.Run(ctx, compiler, request)
	if err != nil {
		return err
	}
	progress.erase()
	if err := only(reviewed, o.environment); err != nil {
		return err
	}
	return a.show(reviewed, o)
}

// only leaves nothing in a review but what concerns one environment; "": it stays as it is.
func only(r *review.Review, environment string) error {
	if environment == "" || r.Report == nil {
		return nil
	}
	var names []string
	for _, e := range r.Report.Environments {
		names = append(names, e.Name)
	}
	if !slices.Contains(names, environment) {
		return usagef("there is no environment %q; there are %s", environment, list(names))
	}
	r.Report.Environments = slices.DeleteFunc(r.Report.Environments, func(e diff.Environment) bool { return e.Name != environment })
	r.Report.Verdicts = slices.DeleteFunc(r.Report.Verdicts, func(v diff.Verdict) bool { return v.Environment != "" && v.Environment != environment })
	return nil
}

// show prints a review and writes it to the files asked for.
func (a *app) show(r *review.Review, o judgeOptions) error {
	for _, out := range o.outputs {
		var text bytes.Buffer
		if err := render.Write(&text, out.format, r, render.Options{}); err != nil {
			return err
		}
		if err := os.WriteFile(out.file, text.Bytes(), 0o644); err != nil {
			return fmt.Errorf("--write %s=%s: %w", out.format, out.file, err)
		}
	}
	options := render.Options{Colour: bool(paintFor(a.stdout)), Width: width(a.stdout)}
	if err := render.Write(a.stdout, render.Format(o.format), r, options); err != nil {
		return err
	}
	if r.Failed() {
		return errProblems
	}
	return nil
}

// width is how many columns a terminal has; 0: it is none.
func width(w any) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}
