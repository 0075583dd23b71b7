package upstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

const (
	// askUpstream bounds one question to an upstream.
	askUpstream = 10 * time.Second
	// waitForAnswer bounds how long a subscriber, or an operator, waits for the answer to theirs.
	waitForAnswer = 5 * time.Second
	// mostQuestions is how many questions of subscribers are asked of an upstream at a time.
	mostQuestions = 4
	// mostAnswers and answerLasts bound what is remembered of its answers.
	mostAnswers = 1000
	answerLasts = 10 * time.Second
)

// listing is what an upstream says of its environments.
type listing struct {
	environments []string
	at           eval.At  // the newest position of theirs
	via          []string // the daemons that they come through, the upstream last
}

// get asks the upstream at an address. The body is to be closed; an answer other than 200 is an error.
func (u *Source) get(ctx context.Context, method string, address *url.URL, page string, query url.Values) (*http.Response, error) {
	at := address.JoinPath(page)
	at.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, method, at.String(), nil)
	if err != nil {
		return nil, err
	}
	if u.config.KeyFile != "" {
		key, err := os.ReadFile(u.config.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("read the key: %w", err)
		}
		request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(key)))
	}
	response, err := u.http.Do(request)
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err // where is said elsewhere
	}
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		defer response.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(response.Body, 500)) // whatever came
		return nil, fmt.Errorf("the daemon answers %s: %s", response.Status, strings.Join(strings.Fields(strings.ToValidUTF8(string(text), "?")), " "))
	}
	return response, nil
}

// ask asks an upstream which environments it has. One that follows this daemon is refused.
func (u *Source) ask(ctx context.Context, address *url.URL) (has listing, err error) {
	response, err := u.get(ctx, http.MethodGet, address, "environments", nil)
	if err != nil {
		return has, err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&has.environments); err != nil {
		return has, fmt.Errorf("it answers, but not as a daemon does: %w", err)
	}
	if len(has.environments) == 0 { // which is no reason to take away what is served
		return has, errors.New("it names no environments")
	}
	if at := response.Header.Get("Yardarm-At"); at != "" {
		if err := json.Unmarshal([]byte(at), &has.at); err != nil {
			return has, fmt.Errorf("it answers, but not as a daemon does: Yardarm-At: %w", err)
		}
	}
	for id := range strings.SplitSeq(response.Header.Get("Yardarm-Via"), ",") {
		if id = strings.TrimSpace(id); id != "" {
			has.via = append(has.via, id)
		}
	}
	if slices.Contains(has.via, u.config.ID) {
		return has, errors.New("its flags come from this daemon: a relay can't follow itself")
	}
	return has, nil
}

// questions are those of subscribers that only the upstream can answer.
type questions struct {
	group singleflight.Group
	turns chan struct{}

	mu      sync.Mutex
	answers map[string]verdict // by revision
}

type verdict struct {
	unrelated bool
	at        time.Time
}

func (q *questions) init() { q.turns = make(chan struct{}, mostQuestions) }

// known gives an answer that is remembered.
func (q *questions) known(revision string) (unrelated, known bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	a, known := q.answers[revision]
	return a.unrelated, known && time.Since(a.at) < answerLasts
}

func (q *questions) remember(revision string, unrelated bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.answers == nil || len(q.answers) >= mostAnswers {
		q.answers = make(map[string]verdict)
	}
	q.answers[revision] = verdict{unrelated, time.Now()}
}

// Unrelated says whether a revision has no place in the history that the upstream serves, for sure: the upstream is asked, and without
// one nobody is told to go back.
func (u *Source) Unrelated(ctx context.Context, revision string) bool {
	if unrelated, known := u.questions.known(revision); known {
		return unrelated
	}
	address, environment := u.address.Load(), u.oneOf()
	if address == nil || environment == "" {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, waitForAnswer)
	defer cancel()
	answered := u.questions.group.DoChan(revision, func() (any, error) {
		return u.askUnrelated(address, environment, revision)
	})
	select {
	case <-ctx.Done():
		return false
	case result := <-answered:
		unrelated, ok := result.Val.(bool)
		return ok && unrelated && result.Err == nil
	}
}

// oneOf gives an environment that is followed; "": none is.
func (u *Source) oneOf() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	for name, f := range u.followers {
		if f.status.Connected {
			return name
		}
	}
	return ""
}

// askUnrelated asks the upstream what it would say to who comes from a revision: it goes on though who asked first has left.
func (u *Source) askUnrelated(address *url.URL, environment, revision string) (bool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), askUpstream)
	defer cancel()
	select {
	case u.questions.turns <- struct{}{}:
	case <-ctx.Done():
		return false, ctx.Err()
	}
	defer func() { <-u.questions.turns }()
	response, err := u.get(ctx, http.MethodHead, address, "snapshot", url.Values{"environment": {environment}, "revision": {revision}})
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	unrelated := response.Header.Get("Yardarm-Back") == feed.BackRewritten
	u.questions.remember(revision, unrelated)
	return unrelated, nil
}

// Asked gives what the upstream says of a commit, as GET /environments?revision=HASH has it in its header Yardarm-Asked.
func (u *Source) Asked(ctx context.Context, revision string) (text string, err error) {
	ctx, cancel := context.WithTimeout(ctx, waitForAnswer)
	defer cancel()
	address := u.address.Load()
	if address == nil {
		return "", errors.New("there is no upstream to ask")
	}
	response, err := u.get(ctx, http.MethodGet, address, "environments", url.Values{"revision": {revision}})
	if err != nil {
		return "", fmt.Errorf("ask the upstream: %w", err)
	}
	defer response.Body.Close()
	return response.Header.Get("Yardarm-Asked"), nil
}
