package webhooktest

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v4"
)

// principal is who asks.
type principal struct {
	kind  string // asApp, asUser or asInstallation
	login string
}

// authenticate says who asks, by the Authorization header.
func (s *Server) authenticate(r *http.Request) (principal, bool) {
	scheme, credential, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") && !strings.EqualFold(scheme, "token") {
		return principal{}, false
	}
	if login, ok := s.users[credential]; ok {
		return principal{kind: asUser, login: login}, true
	}
	if grant, ok := s.grants[credential]; ok && s.now().Before(grant.expires) {
		return principal{kind: asInstallation, login: s.AppUser}, true
	}
	return principal{kind: asApp, login: s.AppUser}, s.isApp(credential)
}

// isApp checks a JSON web token as GitHub does: signed by the App's key, and good for at most ten minutes.
func (s *Server) isApp(credential string) bool {
	claims := jwt.RegisteredClaims{}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithoutClaimsValidation())
	if _, err := parser.ParseWithClaims(credential, &claims, func(*jwt.Token) (any, error) { return &s.key.PublicKey, nil }); err != nil {
		return false
	}
	now := s.now()
	return claims.Issuer == strconv.FormatInt(s.AppID, 10) && claims.VerifyExpiresAt(now, true) && claims.VerifyIssuedAt(now, true) &&
		!claims.ExpiresAt.After(now.Add(10*time.Minute))
}

func (s *Server) slug() string { return strings.TrimSuffix(s.AppUser, "[bot]") }

func (s *Server) getApp(*call) reply {
	app := s.description.example("get", "/app")
	app["id"], app["slug"], app["name"] = s.AppID, s.slug(), s.slug()
	return reply{status: http.StatusOK, body: app}
}

func (s *Server) getInstallation(*call) reply {
	installation := s.description.example("get", "/repos/{owner}/{repo}/installation")
	installation["id"], installation["app_id"], installation["app_slug"] = s.Installation, s.AppID, s.slug()
	return reply{status: http.StatusOK, body: installation}
}

func (s *Server) createToken(c *call) reply {
	if c.number("installation_id") != s.Installation {
		return problem(http.StatusNotFound, "Not Found")
	}
	token, expires := "ghs_"+rand.Text(), s.now().Add(s.TokenLife)
	s.grants[token] = grant{expires}
	body := s.description.example("post", "/app/installations/{installation_id}/access_tokens")
	body["token"], body["expires_at"] = token, expires.UTC().Format(time.RFC3339)
	delete(body, "repositories")
	return reply{status: http.StatusCreated, body: body}
}

func (s *Server) getUser(c *call) reply {
	user := s.description.example("get", "/user")
	user["login"], user["user_view_type"] = c.who.login, "private"
	return reply{status: http.StatusOK, body: user}
}

func (s *Server) getMembership(c *call) reply {
	if !slices.Contains(s.teams[c.params["org"]+"/"+c.params["team_slug"]], c.params["username"]) {
		return problem(http.StatusNotFound, "Not Found")
	}
	membership := s.description.example("get", "/orgs/{org}/teams/{team_slug}/memberships/{username}")
	membership["role"], membership["state"] = "member", "active"
	membership["url"] = fmt.Sprintf("%sorgs/%s/teams/%s/memberships/%s", c.base, c.params["org"], c.params["team_slug"], c.params["username"])
	return reply{status: http.StatusOK, body: membership}
}

// rename puts a user's name into GitHub's example of a user.
func rename(object map[string]any, field, login string) {
	if login == "" {
		object[field] = nil
		return
	}
	user, ok := object[field].(map[string]any)
	if !ok {
		return
	}
	user["login"], user["type"] = login, "User"
	if strings.HasSuffix(login, "[bot]") {
		user["type"] = "Bot"
	}
}
