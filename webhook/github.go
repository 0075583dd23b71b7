package webhook

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/go-github/v62/github"

	"github.com/yardarm-io/yardarm/diff"
)

// GitHubConfig says which repository of a GitHub to look after, and with which credentials: either TokenFile, or AppID and
// AppKeyFile. Only an App may show checks; with a token there are commit statuses in their place.
type GitHubConfig struct {
	// Repository is its full name: owner/name.
	Repository string
	// APIURL is the address of the API; "": that of github.com. Of a GitHub Enterprise server the host will do, as
	// https://ghe.example.
	APIURL string
	// CAFile holds certificates, in PEM form, to trust in addition to the system's; "": none.
	CAFile string
	// TokenFile holds a token. It is read at each request, so the token may be changed meanwhile.
	TokenFile string
	// AppID and AppKeyFile are the number and private key of a GitHub App. The key is read whenever it is needed.
	AppID      int64
	AppKeyFile string
	// InstallationID is the App's installation at the repository; 0: it is asked for.
	InstallationID int64
	// Proxy chooses the proxy of a request, as in [http.Transport]; nil: none, whatever the environment says.
	Proxy func(*http.Request) (*url.URL, error)
	// Timeout bounds one request, not the time to wait for a limit; 0: 30 seconds.
	Timeout time.Duration

	// wait is how to wait, for tests; nil: as usual.
	wait func(context.Context, time.Duration) error
}

// GitHub is a [Forge].
type GitHub struct {
	owner, name string
	config      GitHubConfig
	client      *github.Client
	credentials credentials
	// writing is held by who changes something: whoever looks first and then writes must be alone, and GitHub wants it so.
	writing chan struct{}
}

var _ Forge = (*GitHub)(nil)

// NewGitHub prepares a GitHub. It reads the files that the configuration names, to refuse bad ones, and asks GitHub nothing.
func NewGitHub(config GitHubConfig) (*GitHub, error) {
	owner, name, ok := strings.Cut(config.Repository, "/")
	if !ok || owner == "" || name == "" || strings.Contains(name, "/") {
		return nil, fmt.Errorf("GitHub repository %q: write owner/name", config.Repository)
	}
	api, err := apiURL(config.APIURL)
	if err != nil {
		return nil, err
	}
	config.APIURL = api.String()
	base, err := newRetrying(config)
	if err != nil {
		return nil, err
	}
	g := &GitHub{owner: owner, name: name, config: config, writing: make(chan struct{}, 1)}
	if g.credentials, err = newCredentials(config, base); err != nil {
		return nil, err
	}
	g.client = newClient(api, g.credentials)
	return g, nil
}

func newClient(api *url.URL, transport http.RoundTripper) *github.Client {
	client := github.NewClient(&http.Client{Transport: transport, CheckRedirect: checkRedirect})
	client.BaseURL = api
	return client
}

// apiURL reads the address of an API, or of the GitHub that has it.
func apiURL(text string) (*url.URL, error) {
	api, err := url.Parse(cmp.Or(text, "https://api.github.com/"))
	if err != nil || api.Host == "" || api.User != nil || api.RawQuery != "" {
		return nil, errors.New("the address of GitHub's API is not a URL as https://ghe.example/api/v3/")
	}
	if api.Scheme != "https" {
		return nil, fmt.Errorf("the address of GitHub's API is %s://%s: write https, lest credentials go in the clear", api.Scheme, api.Host)
	}
	switch path := strings.Trim(api.Path, "/"); {
	case api.Host == "github.com" && path == "":
		api.Host, api.Path = "api.github.com", "/"
	case path == "" && !strings.HasPrefix(api.Host, "api."):
		api.Path = "/api/v3/"
	default:
		api.Path = strings.TrimSuffix("/"+path, "/") + "/"
	}
	return api, nil
}

// checkRedirect follows within GitHub only, as for a repository that was renamed: credentials go nowhere else, and a request
// that changes something never becomes one that asks.
func checkRedirect(r *http.Request, via []*http.Request) error {
	first := via[0]
	if r.URL.Host != first.URL.Host || r.URL.Scheme != first.URL.Scheme {
		return fmt.Errorf("GitHub points to another host, %s, which is not followed", r.URL.Host)
	}
	if r.Method != first.Method || len(via) > 3 {
		return fmt.Errorf("GitHub points elsewhere, %s, which is not followed", r.URL.Path)
	}
	return nil
}

// Token gives the token to use with Git now: that of the file, or of the App's installation, which changes every hour.
func (g *GitHub) Token(ctx context.Context) (string, error) { return g.credentials.token(ctx) }

// Pull implements [Forge].
func (g *GitHub) Pull(ctx context.Context, number int) (Pull, error) {
	pull, _, err := g.client.PullRequests.Get(ctx, g.owner, g.name, number)
	if err != nil {
		return Pull{}, fmt.Errorf("read pull request %d: %w", number, explain(err))
	}
	return g.pull(pull), nil
}

// OpenPulls implements [Forge].
func (g *GitHub) OpenPulls(ctx context.Context) ([]Pull, error) {
	options := &github.PullRequestListOptions{State: "open", Sort: "created", Direction: "asc"}
	found, err := pages(&options.ListOptions, func() ([]*github.PullRequest, *github.Response, error) {
		return g.client.PullRequests.List(ctx, g.owner, g.name, options)
	})
	if err != nil {
		return nil, fmt.Errorf("list the open pull requests: %w", err)
	}
	pulls := g.pulls(found)
	slices.SortFunc(pulls, func(a, b Pull) int { return cmp.Compare(a.Number, b.Number) })
	return slices.CompactFunc(pulls, func(a, b Pull) bool { return a.Number == b.Number }), nil // pages shift while one reads
}

// MergedPulls implements [Forge].
func (g *GitHub) MergedPulls(ctx context.Context, base string) ([]Pull, error) {
	found, _, err := g.client.PullRequests.List(ctx, g.owner, g.name, &github.PullRequestListOptions{
		State: "closed", Base: base, Sort: "updated", Direction: "desc", ListOptions: github.ListOptions{PerPage: 100},
	})
	if err != nil {
		return nil, fmt.Errorf("list the pull requests merged into %s: %w", base, explain(err))
	}
	found = slices.DeleteFunc(found, func(p *github.PullRequest) bool { return p.MergedAt == nil })
	slices.SortStableFunc(found, func(a, b *github.PullRequest) int { return b.GetMergedAt().Compare(a.GetMergedAt().Time) })
	return g.pulls(found), nil
}

func (g *GitHub) pulls(found []*github.PullRequest) []Pull {
	pulls := make([]Pull, 0, len(found))
	for _, pull := range found {
		pulls = append(pulls, g.pull(pull))
	}
	return pulls
}

func (g *GitHub) pull(p *github.PullRequest) Pull {
	pull := Pull{
		Number: p.GetNumber(), Title: p.GetTitle(), Author: p.GetUser().GetLogin(), URL: p.GetHTMLURL(),
		Head: p.GetHead().GetSHA(), HeadRef: p.GetHead().GetRef(),
		Fork: !strings.EqualFold(p.GetHead().GetRepo().GetFullName(), g.owner+"/"+g.name), // of a deleted one there is no name
		Base: p.GetBase().GetRef(), BaseHead: p.GetBase().GetSHA(),
		Draft: p.GetDraft(), Open: p.GetState() == "open",
		Merged: p.GetMerged() || p.MergedAt != nil, MergedBy: p.GetMergedBy().GetLogin(),
	}
	if pull.Merged { // before that, it is GitHub's trial
		pull.MergeCommit = p.GetMergeCommitSHA()
	}
	return pull
}

// Approvals implements [Forge].
func (g *GitHub) Approvals(ctx context.Context, number int, teams []string) ([]diff.Approval, error) {
	options := &github.ListOptions{}
	reviews, err := pages(options, func() ([]*github.PullRequestReview, *github.Response, error) {
		return g.client.PullRequests.ListReviews(ctx, g.owner, g.name, number, options)
	})
	if err != nil {
		return nil, fmt.Errorf("list the reviews of pull request %d: %w", number, err)
	}
	approvals := approvals(reviews)
	for i := range approvals {
		if approvals[i].Teams, err = g.teams(ctx, approvals[i].Who, teams); err != nil {
			return nil, err
		}
	}
	return approvals, nil
}

// approvals gives, of reviews in order of time, those of users whose last word is an approval, in order of name.
func approvals(reviews []*github.PullRequestReview) []diff.Approval {
	last := map[string]diff.Approval{}
	for _, review := range reviews {
		who := review.GetUser().GetLogin() // nobody's, where the account is gone
		switch review.GetState() {
		case "APPROVED":
			if who != "" && review.GetCommitID() != "" {
				last[who] = diff.Approval{Who: who, Head: review.GetCommitID()}
			}
		case "CHANGES_REQUESTED", "DISMISSED":
			delete(last, who)
		}
	}
	var approvals []diff.Approval
	for _, approval := range last {
		approvals = append(approvals, approval)
	}
	slices.SortFunc(approvals, func(a, b diff.Approval) int { return cmp.Compare(a.Who, b.Who) })
	return approvals
}

// teams gives those of the teams that a user is in.
func (g *GitHub) teams(ctx context.Context, who string, teams []string) ([]string, error) {
	var in []string
	for _, team := range teams {
		org, slug, _ := strings.Cut(strings.TrimPrefix(team, "@"), "/")
		membership, _, err := g.client.Teams.GetTeamMembershipBySlug(ctx, org, slug, who)
		switch err = explain(err); {
		case errors.Is(err, ErrNotFound):
		case err != nil:
			return nil, fmt.Errorf("look whether %s is in %s, which takes the permission to read members: %w", who, team, err)
		case membership.GetState() == "active":
			in = append(in, team)
		}
	}
	return in, nil
}

// pages reads a list to its end.
func pages[T any](options *github.ListOptions, read func() ([]T, *github.Response, error)) ([]T, error) {
	options.PerPage = 100
	var all []T
	for {
		part, response, err := read()
		if err != nil {
			return nil, explain(err)
		}
		all = append(all, part...)
		if response.NextPage == 0 {
			return all, nil
		}
		options.Page = response.NextPage
	}
}
