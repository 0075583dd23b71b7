package webhooktest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// route is an operation of the API that is served here.
type route struct {
	method, path string
	who          string // the kinds of credentials that will do
	serve        func(*Server, *call) reply
}

// The kinds of credentials.
const (
	asApp          = "app"
	asUser         = "user"
	asInstallation = "installation"
	asAny          = asUser + " " + asInstallation
)

func routes() []route {
	const repo = "/repos/{owner}/{repo}"
	return []route{
		{"get", "/app", asApp, (*Server).getApp},
		{"get", repo + "/installation", asApp, (*Server).getInstallation},
		{"post", "/app/installations/{installation_id}/access_tokens", asApp, (*Server).createToken},
		{"get", "/user", asUser, (*Server).getUser},
		{"get", "/orgs/{org}/teams/{team_slug}/memberships/{username}", asAny, (*Server).getMembership},
		{"get", repo + "/pulls", asAny, (*Server).listPulls},
		{"get", repo + "/pulls/{pull_number}", asAny, (*Server).getPull},
		{"get", repo + "/pulls/{pull_number}/reviews", asAny, (*Server).listReviews},
		{"get", repo + "/commits/{ref}/check-runs", asAny, (*Server).listCheckRuns},
		{"post", repo + "/check-runs", asAny, (*Server).createCheckRun},
		{"patch", repo + "/check-runs/{check_run_id}", asAny, (*Server).updateCheckRun},
		{"get", repo + "/check-runs/{check_run_id}/annotations", asAny, (*Server).listAnnotations},
		{"get", repo + "/commits/{ref}/status", asAny, (*Server).getStatus},
		{"post", repo + "/statuses/{sha}", asAny, (*Server).createStatus},
		{"get", repo + "/issues/{issue_number}/comments", asAny, (*Server).listComments},
		{"post", repo + "/issues/{issue_number}/comments", asAny, (*Server).createComment},
		{"patch", repo + "/issues/comments/{comment_id}", asAny, (*Server).updateComment},
		{"delete", repo + "/issues/comments/{comment_id}", asAny, (*Server).deleteComment},
	}
}

// call is a request to a route.
type call struct {
	request *http.Request
	params  map[string]string
	body    []byte
	base    string // the address under which the API was asked
	who     principal
}

// find gives the route of a request and what its path names; nil: there is none.
func find(r *http.Request) (*route, map[string]string) {
	asked := strings.Split(r.URL.Path, "/")
	for _, route := range routes() {
		if params, ok := match(strings.Split(route.path, "/"), asked); ok && strings.EqualFold(route.method, r.Method) {
			return &route, params
		}
	}
	return nil, nil
}

func match(template, asked []string) (map[string]string, bool) {
	params := map[string]string{}
	if len(template) != len(asked) {
		return nil, false
	}
	for i, part := range template {
		if strings.HasPrefix(part, "{") {
			params[strings.Trim(part, "{}")] = asked[i]
		} else if part != asked[i] {
			return nil, false
		}
	}
	return params, true
}

// number gives a number of the path; the description said already that it is one.
func (c *call) number(name string) int64 {
	n, _ := strconv.ParseInt(c.params[name], 10, 64)
	return n
}

func (c *call) query(name string) string { return c.request.URL.Query().Get(name) }

// decode reads the body, which the description was asked about already.
func (c *call) decode(into any) bool { return json.Unmarshal(c.body, into) == nil }

// page cuts a list as GitHub does, and gives the header that says where the rest is.
func page[T any](c *call, all []T) ([]T, map[string]string) {
	size, number := 30, 1
	if n, err := strconv.Atoi(c.query("per_page")); err == nil {
		size = min(max(n, 1), 100)
	}
	if n, err := strconv.Atoi(c.query("page")); err == nil {
		number = max(n, 1)
	}
	from, to := min((number-1)*size, len(all)), min(number*size, len(all))
	header := map[string]string{}
	if to < len(all) {
		query := c.request.URL.Query()
		query.Set("page", strconv.Itoa(number+1))
		next := c.base + strings.TrimPrefix(c.request.URL.Path, "/") + "?" + query.Encode()
		header["Link"] = fmt.Sprintf(`<%s>; rel="next"`, next)
	}
	return all[from:to], header
}

// list replies with a page of a list.
func list[T any](c *call, all []T, show func(T) any) reply {
	part, header := page(c, all)
	return reply{status: http.StatusOK, body: shown(part, show), header: header}
}

func shown[T any](all []T, show func(T) any) []any {
	bodies := make([]any, 0, len(all))
	for _, one := range all {
		bodies = append(bodies, show(one))
	}
	return bodies
}
