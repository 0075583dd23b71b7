package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// workflow is what the tests read of a workflow of GitHub's.
type workflow struct {
	On          yaml.Node          `yaml:"on"`
	Permissions map[string]string  `yaml:"permissions"`
	Jobs        map[string]flowJob `yaml:"jobs"`
}

type flowJob struct {
	Permissions map[string]string `yaml:"permissions"`
	Env         map[string]string `yaml:"env"`
	Steps       []flowStep        `yaml:"steps"`
}

type flowStep struct {
	Name string            `yaml:"name"`
	Uses string            `yaml:"uses"`
	Run  string            `yaml:"run"`
	Env  map[string]string `yaml:"env"`
	With map[string]string `yaml:"with"`
}

func readWorkflow(t *testing.T, file string) workflow {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var w workflow
	if err := yaml.Unmarshal(text, &w); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return w
}

// TestTemplates holds what init hands to users against what this repository uses itself: only the version to run differs.
func TestTemplates(t *testing.T) {
	for _, name := range []string{"flags.yml", "flags-comment.yml"} {
		own, err := os.ReadFile("../../.github/workflows/" + name)
		if err != nil {
			t.Fatal(err)
		}
		users, err := templates.ReadFile("templates/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if got := bytes.Replace(users, []byte("cmd/yardarm@latest\n"), []byte("cmd/yardarm\n"), 1); !bytes.Equal(got, own) {
			t.Errorf("templates/%s has come apart from .github/workflows/%s:\n%s", name, name, got)
		}
	}
}

// mayWrite are the permissions that a job may have beyond reading, by file and job, with the reason.
var mayWrite = map[string]string{
	"flags-comment.yml comment pull-requests": "it writes the comment, and runs nothing of the pull request's",
	"flags.yml scan security-events":          "it hands a finished report over, and runs nothing of the pull request's",
}

var pinned = regexp.MustCompile(`^[\w.-]+/[\w.-]+@[0-9a-f]{40}$`)

// TestWorkflowsAreSafe holds every workflow to what keeps a stranger's pull request from doing harm.
func TestWorkflowsAreSafe(t *testing.T) {
	files, err := filepath.Glob("../../.github/workflows/*.yml")
	if err != nil || len(files) < 3 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		w := readWorkflow(t, file)
		for _, event := range append(w.On.Content, &w.On) {
			if event.Value == "pull_request_target" {
				t.Errorf("%s runs with this repository's rights on a stranger's event", name)
			}
		}
		if w.Permissions == nil {
			t.Errorf("%s says not which permissions it needs", name)
		}
		for what, level := range w.Permissions {
			if level != "read" {
				t.Errorf("%s: every job may %s %s", name, level, what)
			}
		}
		for id, job := range w.Jobs {
			for what, level := range job.Permissions {
				if level != "read" && mayWrite[name+" "+id+" "+what] == "" {
					t.Errorf("%s: job %s may %s %s", name, id, level, what)
				}
			}
			for _, step := range job.Steps {
				safeStep(t, name, step)
			}
		}
	}
}

func safeStep(t *testing.T, file string, step flowStep) {
	t.Helper()
	if strings.Contains(step.Run, "${{") {
		t.Errorf("%s: step %s puts an expression into a script; give it in env", file, step.Name)
	}
	if step.Uses != "" && !pinned.MatchString(step.Uses) {
		t.Errorf("%s: an action is not pinned by commit: %s", file, step.Uses)
	}
	if strings.HasPrefix(step.Uses, "actions/checkout@") && step.With["persist-credentials"] != "false" {
		t.Errorf("%s: the checkout leaves its token behind", file)
	}
}

// runner runs steps of a workflow as GitHub's does: a script of bash in a checkout, with what the expressions come to.
type runner struct {
	dir, temp   string
	expressions map[string]string
	env         []string
}

func newRunner(t *testing.T, dir string, expressions map[string]string, env ...string) *runner {
	t.Helper()
	temp := t.TempDir()
	env = append(os.Environ(), append(env,
		"GITHUB_ACTIONS=true", "GITHUB_STEP_SUMMARY="+filepath.Join(temp, "summary.md"), "RUNNER_TEMP="+temp, "HOME="+temp,
	)...)
	return &runner{dir, temp, expressions, env}
}

var expression = regexp.MustCompile(`\$\{\{ (.*?) \}\}`)

// run runs the step of a name; it gives what the step printed and whether it passed.
func (r *runner) run(t *testing.T, job flowJob, name string) (string, bool) {
	t.Helper()
	at := slices.IndexFunc(job.Steps, func(s flowStep) bool { return s.Name == name })
	if at < 0 {
		t.Fatalf("there is no step %s", name)
	}
	env := slices.Clone(r.env)
	for key, value := range job.Steps[at].Env {
		env = append(env, key+"="+expression.ReplaceAllStringFunc(value, func(text string) string {
			is, ok := r.expressions[expression.FindStringSubmatch(text)[1]]
			if !ok {
				t.Fatalf("step %s: the test does not know what %s is", name, text)
			}
			return is
		}))
	}
	writeFile(t, r.temp, "script.sh", job.Steps[at].Run)
	cmd := exec.Command("bash", "-e", filepath.Join(r.temp, "script.sh"))
	cmd.Dir, cmd.Env = r.dir, env
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

// left is a file that a step left behind in the runner's folder; "" if none.
func (r *runner) left(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.temp, filepath.FromSlash(name)))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(text)
}

// TestPreCommitHooks runs the hooks as pre-commit does, in a new flag repository.
func TestPreCommitHooks(t *testing.T) {
	text, err := os.ReadFile("../../.pre-commit-hooks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var hooks []struct {
		ID, Name, Language, Entry, Files string
		PassFilenames                    bool `yaml:"pass_filenames"`
	}
	if err := yaml.Unmarshal(text, &hooks); err != nil || len(hooks) != 2 {
		t.Fatalf("%v, %+v", err, hooks)
	}
	files, err := initFiles()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, file := range files {
		writeFile(t, dir, file.name, string(file.text))
	}
	for _, hook := range hooks {
		if hook.ID == "" || hook.Name == "" || hook.Language != "golang" || hook.PassFilenames || !regexp.MustCompile(hook.Files).MatchString("flags/a.cue") {
			t.Errorf("%+v", hook)
		}
		cmd := exec.Command("bash", "-c", hook.Entry)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", hook.Entry, err, out)
		}
	}
}
