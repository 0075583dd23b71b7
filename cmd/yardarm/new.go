package main

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"
	"time"

	"github.com/spf13/cobra"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/edit"
	"github.com/yardarm-io/yardarm/eval"
)

//go:embed templates
var templates embed.FS

// flagKey is what a flag key looks like; the schema says the same.
var flagKey = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// newOptions are new's flags.
type newOptions struct{ folder, kind, owner string }

func (a *app) newCommand() *cobra.Command {
	var o newOptions
	cmd := &cobra.Command{
		Use:   "new KEY",
		Short: "Write a flag file, with comments for someone who never saw CUE",
		Long: `New writes the file of a new flag, off in every environment, into the folder whose flags share the first part of its key;
where there is none, into a new folder named like that part.`,
		Example: `  yardarm new checkout.new-payment
  yardarm new search.ranker --kind experiment --owner team-search --folder search`,
		Args: cobra.ExactArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error { return a.newFlag(cmd, args[0], o) }),
	}
	cmd.Flags().StringVar(&o.folder, "folder", "", "the folder below flags to write to (default: found by the key)")
	cmd.Flags().StringVar(&o.kind, "kind", "release", "release, experiment, ops or permission")
	cmd.Flags().StringVar(&o.owner, "owner", "", "who answers for the flag (default: the owner of the folder's other flags)")
	return cmd
}

func (a *app) newFlag(cmd *cobra.Command, key string, o newOptions) error {
	if !flagKey.MatchString(key) {
		return usagef("%q can't be a flag key; write letters, digits, '.', '_' and '-', such as checkout.new-payment", key)
	}
	switch o.kind {
	case "release", "experiment", "ops", "permission":
	default:
		return usagef("--kind %q: write release, experiment, ops or permission", o.kind)
	}
	out, err := a.compileGood(cmd.Context(), eval.At{})
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
	file, text, err := newFlagFile(out, key, o)
	if err != nil {
		return err
	}
	return a.createFiles(root, []newFile{{file, text}})
}

// newFlagFile gives the path and the text of a new flag's file.
func newFlagFile(out *compile.Output, key string, o newOptions) (file string, text []byte, err error) {
	group, name, found := strings.Cut(key, ".")
	if !found {
		name = key
	}
	folder, owner := homeOf(out, group)
	if o.folder != "" {
		folder = strings.TrimPrefix(filepath.ToSlash(filepath.Clean(o.folder)), "flags/")
	}
	if strings.HasPrefix(folder, "..") || strings.HasPrefix(folder, "/") || folder == "segments" || folder == "." {
		return "", nil, usagef("--folder %s: name a folder below flags, such as payments", o.folder)
	}
	if o.owner != "" {
		owner = o.owner
	}
	text, err = render("new.cue.tmpl", map[string]any{
		"Key": key, "Kind": o.kind, "Owner": owner, "Environments": out.Project.Environments, "Name": name,
		"Expires": time.Now().AddDate(0, 3, 0).Format(time.DateOnly), "MustExpire": o.kind == "release" || o.kind == "experiment",
	})
	if err != nil {
		return "", nil, err
	}
	file = filepath.Join("flags", filepath.FromSlash(folder), name+".cue")
	text, err = edit.Format(file, text)
	return file, text, err
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

// render fills a template of this package.
func render(name string, data any) ([]byte, error) {
	t, err := template.New(name).ParseFS(templates, "templates/"+name)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := t.Execute(&text, data); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}

// newFile is a file to write, by its path below the flag repository's root.
type newFile struct {
	name string
	text []byte
}

// createFiles writes files that must not exist yet, none of them if one does, and prints their names.
func (a *app) createFiles(root string, files []newFile) error {
	var there []string
	for _, file := range files {
		if _, err := os.Lstat(filepath.Join(root, file.name)); err == nil {
			there = append(there, file.name)
		}
	}
	if len(there) > 0 {
		return usagef("nothing was written, because %s would be overwritten; move that away or choose another place", strings.Join(there, ", "))
	}
	for _, file := range files {
		name := filepath.Join(root, file.name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, file.text, 0o644); err != nil {
			return err
		}
		fmt.Fprintln(a.stdout, filepath.ToSlash(file.name))
	}
	return nil
}
