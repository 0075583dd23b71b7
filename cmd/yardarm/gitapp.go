package main

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/webhook"
)

// gitAsApp has a repository read with the tokens of a GitHub App, each good for an hour, where no bot is asked for.
func (o botOptions) gitAsApp(repository *gitrepo.Config, remote remoteOptions) error {
	if o.appID == 0 && o.appKey == "" {
		return nil
	}
	name, ok := nameOn(repository.URL)
	switch {
	case o.appID == 0 || o.appKey == "":
		return usagef("--app-id and --app-key-file go together")
	case remote.tokenFile != "":
		return usagef("without --github the App's tokens are for Git, and so is --token-file: leave one of them away")
	case !ok || !givenBy(repository.URL, o.apiURL):
		return usagef("the App's tokens are for the GitHub of --api-url: --repo has to be there, as https://github.com/owner/name.git")
	}
	forge, err := webhook.NewGitHub(webhook.GitHubConfig{
		Repository: name, APIURL: o.apiURL, CAFile: remote.ca, Proxy: http.ProxyFromEnvironment,
		AppID: o.appID, AppKeyFile: o.appKey, InstallationID: o.installation,
	})
	if err != nil {
		return usageError{err}
	}
	repository.Token = forge.Token
	return nil
}

// nameOn gives the name, owner/name, that the repository of a URL has on GitHub.
func nameOn(address string) (name string, ok bool) {
	u, err := url.Parse(address)
	if err != nil {
		return "", false
	}
	name = strings.TrimSuffix(strings.Trim(u.Path, "/"), ".git")
	return name, strings.Count(name, "/") == 1
}
