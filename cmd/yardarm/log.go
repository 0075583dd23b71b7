package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/yardarm-io/yardarm/sync/daemon"
	"github.com/yardarm-io/yardarm/sync/publog"
)

// logOptions are log's flags.
type logOptions struct {
	asker
	verify bool
	format string
	after  uint64
	last   int
}

func (a *app) logCommand() *cobra.Command {
	var o logOptions
	cmd := &cobra.Command{
		Use:   "log FILE|FOLDER|URL",
		Short: "Show what a daemon published or refused, and every hold",
		Long: `Log prints a daemon's publication log, oldest first: when which commit was published or refused, who made it and why, when the branch was
rewritten, and which flags were held by whom. It reads the log where it lies, log.jsonl in the folder that 'yardarm serve --state' names,
or asks the daemon, for which it takes an operator's key.

Each entry names the SHA-256 of the one before it. Log checks that as it reads, and exits with 1 where an entry was changed, taken
out or put in; --verify prints nothing else. What is cut off at the end, or all of it written anew, shows only to those who
kept the digest of a later entry: --verify prints the last one's, and /status has it under log.`,
		Example: `  yardarm log /var/lib/yardarm
  yardarm log --last 20 --key-file ~/.yardarm-key https://flags.example
  yardarm log --verify /var/lib/yardarm/log.jsonl
  yardarm log --format json http://127.0.0.1:8080 | jq 'select(.kind == "refused")'`,
		Args: oneArg("name a log: the folder of a daemon's state, a file, or the address of a daemon such as http://127.0.0.1:8080"),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error { return a.log(cmd.Context(), &o, args[0]) }),
	}
	o.flags(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&o.verify, "verify", false, "only say whether the log is as it was written")
	flags.StringVar(&o.format, "format", "text", "text, or json: a line an entry, as it is in the log")
	flags.Uint64Var(&o.after, "after", 0, "only the entries after the one of this number")
	flags.IntVar(&o.last, "last", 0, "only so many of the newest entries; 0: all")
	complete(cmd, "format", offer("text", "json"))
	return cmd
}

func (a *app) log(ctx context.Context, o *logOptions, name string) error {
	if err := checkFormat(o.format); err != nil {
		return err
	}
	if o.last < 0 {
		return usagef("--last %d: write how many entries to show", o.last)
	}
	read, err := a.openLog(ctx, o, name)
	if err != nil {
		return err
	}
	if err := read.all(o); err != nil {
		return err
	}
	if !o.verify {
		err = a.printLog(o.format, read.shown)
	}
	return errors.Join(err, a.verdict(o.verify, read.report))
}

// openLog finds out what a log's name means.
func (a *app) openLog(ctx context.Context, o *logOptions, name string) (*logReader, error) {
	info, err := os.Stat(name)
	switch {
	case strings.Contains(name, "://") || err != nil && strings.Contains(name, ":"):
		return &logReader{page: func(after uint64) (io.ReadCloser, error) {
			response, err := o.get(ctx, name, "/log", url.Values{"after": {strconv.FormatUint(after, 10)}})
			if err != nil {
				return nil, err
			}
			return response.Body, nil
		}}, nil
	case err == nil && info.IsDir():
		name = filepath.Join(name, daemon.LogFile)
	}
	report, err := publog.Check(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usagef("there is no log at %s; name the folder that 'yardarm serve --state' names", name)
	}
	if err != nil {
		return nil, err
	}
	return &logReader{report: report, checked: true, page: func(after uint64) (io.ReadCloser, error) {
		var text bytes.Buffer
		_, err := publog.Read(&text, name, after, 1000, mostPage)
		return io.NopCloser(&text), err
	}}, nil
}

// mostPage bounds what is read of a log at once.
const mostPage = 2 << 20

// logReader reads a log in pages.
type logReader struct {
	page    func(after uint64) (io.ReadCloser, error) // gives the entries after one; none: there are no more
	report  publog.Report
	checked bool // the report is there already
	shown   [][]byte
}

// all reads the pages until there are no more.
func (l *logReader) all(o *logOptions) error {
	for after := o.after; ; {
		page, err := l.page(after)
		if err != nil {
			return err
		}
		text, err := io.ReadAll(io.LimitReader(page, mostPage))
		if err := errors.Join(err, page.Close()); err != nil {
			return err
		}
		before := after
		for line := range bytes.Lines(text) {
			if seq := l.take(bytes.TrimSuffix(line, []byte("\n"))); seq > after {
				after = seq
			}
		}
		if o.last > 0 {
			l.shown = slices.Clone(l.shown[max(0, len(l.shown)-o.last):])
		}
		if after == before {
			return nil
		}
	}
}

// take reads a line, and gives its number.
func (l *logReader) take(line []byte) (seq uint64) {
	l.shown = append(l.shown, bytes.Clone(line))
	if l.checked {
		var e publog.Entry
		_ = json.Unmarshal(line, &e) // what is wrong with it stands in the report
		return e.Seq
	}
	l.report.Lines++
	e, err := l.report.End.Next(line)
	if err != nil {
		l.report.Problems = append(l.report.Problems, publog.Problem{Line: l.report.Lines, Text: err.Error()})
	}
	l.report.First = cmp.Or(l.report.First, e.Seq)
	return e.Seq
}

// verdict says what was found wrong with a log and, if asked, that nothing was.
func (a *app) verdict(asked bool, report publog.Report) error {
	for _, p := range report.Problems {
		fmt.Fprintln(a.stderr, p)
	}
	if len(report.Problems) > 0 {
		fmt.Fprintf(a.stderr, "yardarm log: the log is not as it was written: %s in %d entries\n", plural(len(report.Problems), "problem"), report.Lines)
		return errProblems
	}
	if !asked {
		return nil
	}
	switch {
	case report.Lines == 0:
		fmt.Fprintln(a.stdout, "good: there are no entries")
	case report.First > 1:
		fmt.Fprintf(a.stdout, "good as far as it goes back: entries %d to %d, each as it was written; those before are not here\n", report.First, report.End.Seq)
	default:
		fmt.Fprintf(a.stdout, "good: %d entries, each as it was written\n", report.Lines)
	}
	if report.Lines > 0 {
		fmt.Fprintf(a.stdout, "the last one's digest: %s\n", report.End.Head)
	}
	return nil
}

// printLog prints entries as they are, or a line each for people.
func (a *app) printLog(format string, lines [][]byte) error {
	p := paintFor(a.stdout)
	for _, line := range lines {
		text := string(line)
		if format == "text" {
			text = entryText(p, line)
		}
		if _, err := fmt.Fprintln(a.stdout, text); err != nil {
			return err
		}
	}
	return nil
}

// entryText tells of an entry in a line: when, what, which revision, who, and why.
func entryText(p paint, line []byte) string {
	var e publog.Entry
	if err := json.Unmarshal(line, &e); err != nil {
		return p.red("not an entry: " + printable(string(line), 200))
	}
	what := fmt.Sprintf("%-9s", printable(string(e.Kind), 20))
	switch e.Kind {
	case publog.Published:
		what = p.green(what)
	case publog.Refused, publog.Rewritten, publog.Mended:
		what = p.red(what)
	case publog.Held, publog.Released:
		what = p.yellow(what)
	}
	when := p.dim(e.Time.UTC().Format(time.RFC3339))
	return strings.TrimRight(fmt.Sprintf("%s  %s  %-12s  %-14s  %s", when, what, short(e.Revision), printable(e.By, 30), printable(entryWhy(e), 600)), " ")
}

// entryWhy tells why, and what else there is to say.
func entryWhy(e publog.Entry) string {
	var parts []string
	if h := e.Hold; h != nil {
		parts = append(parts, h.Flag+" in "+h.Environment)
		if e.Kind == publog.Held && !h.Until.IsZero() {
			parts[0] += " until " + h.Until.UTC().Format(time.RFC3339)
		}
		if h.Ended != "" {
			parts[0] += " (" + h.Ended + ")"
		}
	}
	if e.Kind == publog.Rewritten {
		parts = append(parts, "from "+short(e.From))
	}
	if where := e.File; where != "" {
		if e.Line > 0 {
			where += fmt.Sprintf(":%d:%d", e.Line, e.Column)
		}
		parts = append(parts, where)
	}
	if e.Reason != "" {
		parts = append(parts, e.Reason)
	}
	more := []string{strings.Join(parts, ": ")}
	for _, l := range e.Lagging {
		more = append(more, "lagging: "+cmp.Or(l.Reason, l.Folder))
	}
	if e.Behind {
		more = append(more, "a newer commit is refused")
	}
	if e.Signer != "" {
		more = append(more, "signed by "+e.Signer)
	}
	if e.Source != "" {
		more = append(more, "from "+e.Source)
	}
	return strings.TrimPrefix(strings.Join(more, "; "), "; ")
}

// printable makes a text of others fit for a terminal, and not longer than so many characters.
func printable(text string, most int) string {
	runes := []rune(strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text))
	if len(runes) > most {
		return string(runes[:most-3]) + "..."
	}
	return string(runes)
}
