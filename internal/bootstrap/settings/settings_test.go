package settings

import (
	"bytes"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/pflag"

	"github.com/picloud/picloud/internal/store"
)

func read(t testing.TB, env map[string]string, args ...string) (*Config, error) {
	t.Helper()
	set := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	flags := AddFlags(set, Picloud)
	if err := set.Parse(args); err != nil {
		t.Fatal(err)
	}
	return Read(flags, func(name string) string { return env[name] })
}

func TestSettings(t *testing.T) {
	defaults := Config{
		Listen: "127.0.0.1:8080", DataDir: "./data", Memory: 1 << 30,
		Limits: store.Limits{
			Operations: 100_000_000, WallTimeMS: 10_000, MemoryBytes: 64 << 20, CallDepth: 64,
			RequestBytes: 4 << 20, ResponseBytes: 8 << 20, LogLines: 1000, LogBytes: 256 << 10,
		},
		Retention:   store.Retention{MaxAge: 7 * 24 * time.Hour, MaxBytes: 256 << 20},
		KVBytes:     1 << 30,
		Quota:       store.DefaultQuota,
		StopTimeout: 20 * time.Second, LogLevel: slog.LevelInfo,
	}
	for _, c := range []struct {
		name string
		env  map[string]string
		args []string
		want func(*Config)
	}{
		{name: "defaults", want: func(*Config) {}},
		{
			name: "environment", env: map[string]string{
				"PICLOUD_LISTEN": ":9000", "PICLOUD_DATA_DIR": "/srv/picloud", "PICLOUD_DATABASE_URL": "postgres://u:p@h/db",
				"PICLOUD_LIMIT_MEMORY": "1.5MiB", "PICLOUD_RETENTION_AGE": "1d12h", "PICLOUD_APPS_DOMAIN": "Apps.Example.com.",
				"PICLOUD_TRUSTED_PROXIES": "10.1.2.3/8, ::1", "PICLOUD_PUBLIC_URL": "https://cloud.example.com/",
			},
			want: func(c *Config) {
				c.Listen, c.DataDir, c.Database = ":9000", "/srv/picloud", "postgres://u:p@h/db"
				c.Limits.MemoryBytes, c.Retention.MaxAge = 3<<19, 36*time.Hour
				c.AppsDomain, c.PublicURL = "apps.example.com", "https://cloud.example.com"
				c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
			},
		},
		{
			name: "a flag wins over the environment", env: map[string]string{"PICLOUD_LISTEN": ":9000"}, args: []string{"--listen", "127.0.0.1:0", "--limit-wall-time=500ms"},
			want: func(c *Config) { c.Listen, c.Limits.WallTimeMS = "127.0.0.1:0", 500 },
		},
		{
			name: "the owner comes from the environment", env: map[string]string{"PICLOUD_OWNER_USERNAME": "ada", "PICLOUD_OWNER_PASSWORD": "lovelace"},
			want: func(c *Config) { c.OwnerUsername, c.OwnerPassword = "ada", "lovelace" },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := defaults
			c.want(&want)
			got, err := read(t, c.env, c.args...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&want, got, cmpopts.EquateComparable(netip.Prefix{}), cmpopts.IgnoreUnexported(Config{})); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWrongSettingsSayWhatToDo(t *testing.T) {
	for _, c := range []struct {
		name string
		env  map[string]string
		args []string
		want string
	}{
		{name: "no port", args: []string{"--listen", "localhost"}, want: `--listen: "localhost" is not HOST:PORT`},
		{name: "port out of range", env: map[string]string{"PICLOUD_LISTEN": ":70000"}, want: `PICLOUD_LISTEN: "70000" is not a port`},
		{name: "empty data dir", args: []string{"--data", ""}, want: "--data: it is empty"},
		{name: "another database", args: []string{"--database", "mysql://h/db"}, want: "speaks PostgreSQL"},
		{name: "size", args: []string{"--limit-memory", "64MB"}, want: `"64MB" is not a size such as 64MiB`},
		{name: "size too large", args: []string{"--limit-memory", "9999999999TiB"}, want: "is not a size"},
		{name: "no operations", args: []string{"--limit-operations", "0"}, want: "above 0"},
		{name: "duration", env: map[string]string{"PICLOUD_RETENTION_AGE": "7 days"}, want: `PICLOUD_RETENTION_AGE: "7 days" is no duration`},
		{name: "negative duration", args: []string{"--stop-timeout", "-1s"}, want: "is no duration"},
		{name: "proxy", args: []string{"--trusted-proxies", "caddy"}, want: `"caddy" is neither an address`},
		{name: "domain", args: []string{"--apps-domain", "https://apps.example.com"}, want: "is not a domain"},
		{name: "public URL with a path", args: []string{"--public-url", "https://example.com/picloud"}, want: "without a path"},
		{name: "level", args: []string{"--log-level", "loud"}, want: `"loud" is not a level`},
		{name: "concurrency", args: []string{"--max-concurrency", "-1"}, want: "is not a number from 0"},
		{name: "no room for an execution", args: []string{"--max-memory", "1MiB"}, want: "no execution could ever run"},
		{name: "half an owner", env: map[string]string{"PICLOUD_OWNER_USERNAME": "ada"}, want: "go together"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := read(t, c.env, c.args...)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestTheDatabasePasswordStaysOutOfErrors(t *testing.T) {
	for _, text := range []string{"postgres://u:s3cret%zz@h/db", "mysql://u:s3cret@h/db", "postgres://u:s3cret@h:port/db"} {
		_, err := read(t, nil, "--database", text)
		if err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%v: want an error without the password", err)
		}
	}
}

// TestConfigurationPage compares docs/configuration.md with the settings.
// BLESS=1 rewrites it.
func TestConfigurationPage(t *testing.T) {
	const file = "../../../docs/configuration.md"
	var page bytes.Buffer
	if err := WritePage(&page); err != nil {
		t.Fatal(err)
	}
	if os.Getenv("BLESS") == "1" {
		if err := os.WriteFile(file, page.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	onDisk, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(onDisk), page.String()); diff != "" {
		t.Errorf("docs/configuration.md differs from the settings (-file +settings); make generate rewrites it:\n%s", diff)
	}
}
