package main

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/spf13/cobra"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/compile/folder"
	"github.com/yardarm-io/yardarm/edit"
	"github.com/yardarm-io/yardarm/eval"
)

//go:embed templates
var templates embed.FS

// flagKey is what a flag key looks like; the schema says the same.
var flagKey = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// kinds are what a flag can be for; the schema says the same.
var kinds = []string{"release", "experiment", "ops", "permission"}

// newOptions are new's flags.
type newOptions struct{ folder, kind, owner string }

func (a *app) newCommand() *cobra.Command {
	var o newOptions
	cmd := &cobra.Command{
		Use:   "new KEY",
		Short: "Write a flag file, with comments for someone who never saw CUE",
		Long: `New writes the file of a new flag, off in every environment, into the folder whose flags share the first part of its key;
where there is none, into a new folder named like that part. A file that would not compile is not left behind.`,
		Example: `  yardarm new checkout.new-payment
  yardarm new search.ranker --kind experiment --owner team-search --folder search`,
		Args:              oneArg("name the flag to write, such as checkout.new-payment"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              a.runs(func(cmd *cobra.Command, args []string) error { return a.newFlag(cmd.Context(), args[0], o) }),
	}
	cmd.Flags().StringVar(&o.folder, "folder", "", "the folder below flags to write to (default: found by the key)")
	cmd.Flags().StringVar(&o.kind, "kind", "release", "release, experiment, ops or permission")
	cmd.Flags().StringVar(&o.owner, "owner", "", "who answers for the flag (default: the owner of the folder's other flags)")
	complete(cmd, "kind", offer(kinds...))
	complete(cmd, "owner", cobra.NoFileCompletions)
	return cmd
}

func (a *app) newFlag(ctx context.Context, key string, o newOptions) error {
	if !flagKey.MatchString(key) {
		return usagef("%q can't be a flag key; write letters, digits, '.', '_' and '-', such as checkout.new-payment", key)
	}
	if !slices.Contains(kinds, o.kind) {
		return usagef("--kind %q: write release, experiment, ops or permission", o.kind)
	}
	out, err := a.compileGood(ctx, eval.At{})
	if err != nil {
		return err
	}
	root, err := a.flagRoot()
	if err != nil {
		return err
	}
	for _, flag := range out.Flags {
		if flag.Key == key {
			return usagef("there is a flag %q already, in %s", key, flag.At.File)
		}
	}
	file, err := newFlagFile(out, key, o)
	if err != nil {
		return err
	}
	undo, err := writeNew(root, []newFile{file})
	if err != nil {
		return err
	}
	if err := a.checkNew(ctx, root, key, file.name); err != nil {
		undo()
		return err
	}
	a.printNames([]newFile{file})
	return nil
}

// checkNew demands that a file that was written compiles to its flag, and that nothing else suffers from it.
func (a *app) checkNew(ctx context.Context, root, key, file string) error {
	out, err := a.compileRoot(ctx, root, eval.At{})
	if err != nil {
		return err
	}
	if out.Err() != nil {
		printProblems(a.stderr, out.Problems)
	} else if slices.ContainsFunc(out.Flags, func(f folder.Flag) bool { return f.Key == key && f.At.File == filepath.ToSlash(file) }) {
		return nil
	}
	return fmt.Errorf("%s was removed again, as the flags do not compile with it; name another folder with --folder", filepath.ToSlash(file))
}

// newFlagFile gives the file of a new flag.
func newFlagFile(out *compile.Output, key string, o newOptions) (newFile, error) {
	group, name, found := strings.Cut(key, ".")
	if !found {
		name = key
	}
	folder, owner := homeOf(out, group)
	file, err := newFlagPath(folder, o.folder, key, name)
	if err != nil {
		return newFile{}, err
	}
	text, err := fillIn("new.cue.tmpl", map[string]any{
		"Key": key, "Kind": o.kind, "Owner": cmp.Or(o.owner, owner), "Environments": out.Project.Environments,
		"Expires": time.Now().AddDate(0, 3, 0).Format(time.DateOnly), "MustExpire": o.kind == "release" || o.kind == "experiment",
	})
	if err != nil {
		return newFile{}, err
	}
	text, err = edit.Format(file, text)
	return newFile{filepath.FromSlash(file), text}, err
}

// newFlagPath gives a path for a new flag's file: in the folder asked for, else the one found by the key; called like the
// part of the key behind the first dot, else, where CUE would leave that out, like the whole key.
func newFlagPath(found, asked, key, name string) (string, error) {
	folder, advice := found, "name another folder with --folder"
	if asked != "" {
		folder = strings.TrimPrefix(filepath.ToSlash(filepath.Clean(asked)), "flags/")
		advice = "name a folder below flags, such as payments"
	}
	var problem *compile.Error
	if err := compile.CheckPath(path.Join("flags", folder, "name.cue")); errors.As(err, &problem) || filepath.IsAbs(asked) || folder == "flags" {
		message := "flags stand in folders below flags"
		if problem != nil {
			message = problem.Message
		}
		return "", usagef("the flag can't stand in the folder %s: %s; %s", folder, message, advice)
	}
	for _, stem := range []string{name, key, strings.ReplaceAll(key, "_", "-")} {
		file := path.Join("flags", folder, stem+".cue")
		if err := compile.CheckPath(file); !errors.As(err, &problem) {
			return file, nil
		}
	}
	return "", usagef("no file can be called like %s: %s; choose another key", key, problem.Message)
}

// homeOf finds the folder, below flags, and the owner of the flags whose keys begin with group; else a new folder of that name.
func homeOf(out *compile.Output, group string) (folder, owner string) {
	for _, flag := range out.Flags {
		if strings.HasPrefix(flag.Key, group+".") {
			return folderOf(flag.At.File), ownerOf(out, flag.Key, group)
		}
	}
	for _, flag := range out.Flags {
		if folderOf(flag.At.File) == group {
			return group, ownerOf(out, flag.Key, group)
		}
	}
	return group, "team-" + group
}

func folderOf(file string) string {
	return strings.TrimPrefix(filepath.ToSlash(filepath.Dir(file)), "flags/")
}

func ownerOf(out *compile.Output, key, group string) string {
	for _, snapshot := range out.Snapshots {
		if flag := snapshot.Flag(key); flag != nil && flag.Owner != "" {
			return flag.Owner
		}
	}
	return "team-" + group
}

// quote writes a CUE string. JSON's are such, where Go's are not.
func quote(text string) (string, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(text)
	return strings.TrimSpace(b.String()), err
}

// fillIn fills a template of this package.
func fillIn(name string, data any) ([]byte, error) {
	t, err := template.New(name).Funcs(template.FuncMap{"quote": quote}).ParseFS(templates, "templates/"+name)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := t.Execute(&text, data); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}
