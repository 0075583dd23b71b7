// Package webhooktest is a GitHub for tests: an HTTPS server on a loopback port that keeps pull requests, reviews, check runs,
// statuses and comments of one repository, and speaks that part of GitHub's API which a bot needs; and GitHub's webhooks.
//
// It is held to GitHub's own description of its API: each request that reaches a [Server], each reply that it gives and each
// payload that [Server.Event] makes is checked against it, and a difference fails the test. The replies and payloads are GitHub's
// own examples, filled in. Both come from npm packages that .ci/install installs; without them the test fails.
//
// A test fills a Server ([Server.SetPull], [Server.AddReview], ...), hands out its address, certificate and credentials (URL,
// CAFile, and TokenFile or AppID and AppKeyFile), and looks at what was left there ([Server.CheckRuns], [Server.Comments], ...).
// [Server.Fail] scripts limits and faults. It is for tests only.
package webhooktest
