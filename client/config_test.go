package client

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestEndpoint(t *testing.T) {
	for raw, want := range map[string]string{
		"ws://127.0.0.1:8080":              "ws://127.0.0.1:8080/feed",
		"ws://127.0.0.1:8080/":             "ws://127.0.0.1:8080/feed",
		"ws://127.0.0.1:8080/feed":         "ws://127.0.0.1:8080/feed",
		"ws://127.0.0.1:8080/feed/":        "ws://127.0.0.1:8080/feed",
		"http://flags:80":                  "ws://flags:80/feed",
		"https://flags.example":            "wss://flags.example/feed",
		"wss://flags.example/team/a":       "wss://flags.example/team/a/feed",
		"HTTPS://flags.example/team/feed":  "wss://flags.example/team/feed",
		"ws://[::1]:8080":                  "ws://[::1]:8080/feed",
		"https://flags.example/needfeed":   "wss://flags.example/needfeed/feed",
		"https://flags.example/a%20b/feed": "wss://flags.example/a%20b/feed",
	} {
		got, err := endpoint(raw)
		if err != nil || got != want {
			t.Errorf("endpoint(%q) = %q, %v; want %q", raw, got, err, want)
		}
	}
}

func TestConfigRefused(t *testing.T) {
	const secret = "s3cr3t"
	good := Config{URL: "ws://127.0.0.1:1", Environment: "production", Name: "a/b"}
	for name, test := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no URL":              {func(c *Config) { c.URL = "" }, "Config.URL is required"},
		"scheme":              {func(c *Config) { c.URL = "ftp://a" }, "Config.URL is not an address"},
		"no scheme":           {func(c *Config) { c.URL = "127.0.0.1:8080" }, "Config.URL is not an address"},
		"no host":             {func(c *Config) { c.URL = "ws:///feed" }, "Config.URL is not an address"},
		"unparsable":          {func(c *Config) { c.URL = "ws://a:" + secret }, "Config.URL is not an address"},
		"credentials":         {func(c *Config) { c.URL = "ws://x:" + secret + "@a" }, "Config.Key"},
		"key in query":        {func(c *Config) { c.URL = "ws://a/feed?key=" + secret }, "Config.URL has a query"},
		"no environment":      {func(c *Config) { c.Environment = "" }, "Config.Environment is required"},
		"odd environment":     {func(c *Config) { c.Environment = "a\nb" }, "Config.Environment"},
		"odd name":            {func(c *Config) { c.Name = "a b" }, "Config.Name"},
		"key with line end":   {func(c *Config) { c.Key = secret + "\n" }, "Config.Key"},
		"two keys":            {func(c *Config) { c.Key, c.KeyFile = secret, "key" }, "Config.Key and Config.KeyFile"},
		"negative stale":      {func(c *Config) { c.StaleAfter = -time.Second }, "Config.StaleAfter"},
		"negative idle":       {func(c *Config) { c.IdleTimeout = -1 }, "Config.IdleTimeout"},
		"negative dial":       {func(c *Config) { c.DialTimeout = -1 }, "Config.DialTimeout"},
		"negative snapshot":   {func(c *Config) { c.MaxSnapshot = -1 }, "Config.MaxSnapshot"},
		"enormous snapshot":   {func(c *Config) { c.MaxSnapshot = 1 << 40 }, "Config.MaxSnapshot"},
		"environment unicode": {func(c *Config) { c.Environment = "prodüction" }, "Config.Environment"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := good
			test.change(&cfg)
			c, err := New(cfg)
			if err == nil {
				c.Close()
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), secret) {
				t.Errorf("error %q, want one that says %q and no secret", err, test.want)
			}
		})
	}
}

func TestSubscriberName(t *testing.T) {
	for name, want := range map[string]string{"checkout/pod-7": "checkout/pod-7", "checkout": "checkout/", "": strings.ReplaceAll(filepath.Base(os.Args[0]), " ", "_") + "/"} {
		if got := subscriberName(name); !strings.HasPrefix(got, want) || strings.HasSuffix(got, "/") {
			t.Errorf("subscriberName(%q) = %q, want %s...", name, got, want)
		}
	}
}

func TestFileNamesDiffer(t *testing.T) {
	seen := map[string]Config{}
	for _, cfg := range []Config{
		{URL: "wss://a/feed", Environment: "b"},
		{URL: "wss://a/feed", Environment: "c"},
		{URL: "wss://a:1/feed", Environment: "b"},
		{URL: "wss://a_1/feed", Environment: "b"},
		{URL: "wss://a/x/feed", Environment: "b"},
		{URL: "wss://a/feed", Environment: "../b"},
	} {
		path := cachePath(cfg)
		if other, ok := seen[path]; ok {
			t.Errorf("%+v and %+v share the file %s", cfg, other, path)
		}
		if strings.ContainsAny(path, "/:") {
			t.Errorf("%s for %+v is not a plain file name", path, cfg)
		}
		seen[path] = cfg
	}
}
