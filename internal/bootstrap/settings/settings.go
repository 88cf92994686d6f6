// Package settings is what an operator can decide, for each of PiCloud's
// programs: one table of flags, environment variables and defaults.
package settings

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/picloud/picloud/internal/cluster"
	"github.com/picloud/picloud/internal/duration"
	"github.com/picloud/picloud/internal/secret"
	"github.com/picloud/picloud/internal/store"
)

// Program is one of PiCloud's programs, or a set of them.
type Program uint8

// The programs.
const (
	Picloud Program = 1 << iota // all services in one process
	Manager
	Orchestrator
	Executor
)

// programs are their names, in the order of their bits.
var programs = []string{"picloud", "picloud-manager", "picloud-orchestrator", "picloud-executor"}

// String returns the programs' names.
func (p Program) String() string {
	var names []string
	for i, name := range programs {
		if p&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// Config is what an operator can decide. Read fills in what its program takes.
type Config struct {
	Listen         string // HOST:PORT; port 0 picks a free one
	DataDir        string
	Database       string // URL with a password in it; empty: SQLite in DataDir
	PublicURL      string // without a slash at its end; empty: where it listens
	AppsDomain     string
	TrustedProxies []netip.Prefix
	Limits         store.Limits // every field set
	Concurrency    int          // executions at once; 0 follows the number of processors
	Memory         int64        // bytes that the executions at once may have as limits together
	Retention      store.Retention
	KVBytes        int64 // of each app
	Quota          store.Quota
	StopTimeout    time.Duration
	LogLevel       slog.Level
	OwnerUsername  string
	OwnerPassword  string
	SecretsKey     string // itself; empty: from a file
	SecretsKeyFile string // one that PiCloud does not write; empty: a credential, or its own
	Credentials    string // systemd's directory of credentials; empty: none

	// What only the programs of a cluster take.

	ClusterKeyFile  string // empty: a credential
	ManagerListen   string // HOST:PORT
	ManagerAddress  string // where other nodes reach that; empty: as it listens
	ExecutorListen  string // HOST:PORT; empty: only the socket
	ExecutorAddress string // where other nodes reach that; empty: as it listens
	ExecutorSocket  string // path; empty: in DataDir

	clusterKeys cluster.Keys // from the environment; nil: from a file
}

// setting is one thing an operator can decide. The settings table is the only
// source of the flags, the environment variables, their defaults, and the
// table in docs/configuration.md.
type setting struct {
	in    Program // the programs that take it
	flag  string  // empty: by the environment only, because it is a secret
	env   string
	value string // what the value is, for the help
	def   string
	about string // one sentence without a full stop
	read  func(c *Config, text string) error
}

// every is all programs.
const every = Picloud | Manager | Orchestrator | Executor

var settings = []setting{
	{
		in: Picloud | Orchestrator, flag: "listen", env: "PICLOUD_LISTEN", value: "HOST:PORT", def: "127.0.0.1:8080",
		about: "where to answer HTTP; port 0 picks a free one and prints it",
		read:  func(c *Config, text string) (err error) { c.Listen, err = readListen(text); return err },
	},
	{
		in: every, flag: "data", env: "PICLOUD_DATA_DIR", value: "DIR", def: "./data",
		about: "the directory for everything kept on this machine; made if it is not there",
		read:  func(c *Config, text string) error { c.DataDir = text; return notEmpty(text) },
	},
	{
		in: Picloud | Manager | Orchestrator, flag: "database", env: "PICLOUD_DATABASE_URL", value: "URL", def: "",
		about: "a PostgreSQL database, postgres://USER:PASSWORD@HOST/NAME, instead of SQLite in the data directory; from the environment the password stays out of the list of processes",
		read:  readDatabase,
	},
	{
		in: Picloud | Manager, flag: "public-url", env: "PICLOUD_PUBLIC_URL", value: "URL", def: "",
		about: "the address at which people reach the control plane when a proxy stands in front, such as https://picloud.example.com",
		read:  readPublicURL,
	},
	{
		in: Picloud | Orchestrator, flag: "apps-domain", env: "PICLOUD_APPS_DOMAIN", value: "DOMAIN", def: "",
		about: "each app also answers at a host of its own below this domain, {app}.DOMAIN; {app}.localhost always works",
		read:  readDomain,
	},
	{
		in: Picloud | Orchestrator, flag: "trusted-proxies", env: "PICLOUD_TRUSTED_PROXIES", value: "PREFIXES", def: "",
		about: "addresses or networks, separated by commas, whose X-Forwarded-For and X-Forwarded-Proto headers are believed",
		read:  readPrefixes,
	},
	{
		in: Picloud | Executor, flag: "max-concurrency", env: "PICLOUD_MAX_CONCURRENCY", value: "N", def: "0",
		about: "how many executions may run at once; 0 follows the number of processors",
		read: func(c *Config, text string) error {
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 || n > 1_000_000 {
				return fmt.Errorf("%q is not a number from 0 to 1000000", text)
			}
			c.Concurrency = n
			return nil
		},
	},
	{
		in: Picloud | Executor, flag: "max-memory", env: "PICLOUD_MAX_MEMORY", value: "SIZE", def: "1GiB",
		about: "how much the memory limits of the executions that run at once may come to; more wait",
		read: func(c *Config, text string) (err error) {
			c.Memory, err = parseSize(text)
			return err
		},
	},
	limit("limit-operations", "N", "100000000", "operations an execution may use", readCount,
		func(l *store.Limits) *int64 { return &l.Operations }),
	limit("limit-wall-time", "DURATION", "10s", "time an execution may take", readMilliseconds,
		func(l *store.Limits) *int64 { return &l.WallTimeMS }),
	limit("limit-memory", "SIZE", "64MiB", "memory an execution may hold, by the engine's own count", readSize,
		func(l *store.Limits) *int64 { return &l.MemoryBytes }),
	limit("limit-call-depth", "N", "64", "script functions that may be inside one another", readCount,
		func(l *store.Limits) *int64 { return &l.CallDepth }),
	limit("limit-request", "SIZE", "4MiB", "size of a request's body", readSize,
		func(l *store.Limits) *int64 { return &l.RequestBytes }),
	limit("limit-response", "SIZE", "8MiB", "size of a response's body", readSize,
		func(l *store.Limits) *int64 { return &l.ResponseBytes }),
	limit("limit-log-lines", "N", "1000", "lines an execution may log; more are counted and dropped", readCount,
		func(l *store.Limits) *int64 { return &l.LogLines }),
	limit("limit-log-bytes", "SIZE", "256KiB", "text an execution may log; more is counted and dropped", readSize,
		func(l *store.Limits) *int64 { return &l.LogBytes }),
	{
		in: Picloud | Manager | Orchestrator, flag: "kv-size", env: "PICLOUD_KV_SIZE", value: "SIZE", def: "1GiB",
		about: "how much each app may keep with kv, keys and values together",
		read: func(c *Config, text string) (err error) {
			c.KVBytes, err = parseSize(text)
			return err
		},
	},
	quota("queue-messages", "N", "1000000", "messages of each app that may wait, in its queues, subscriptions and KV triggers and as asynchronous requests", readCount,
		func(q *store.Quota) *int64 { return &q.Messages }),
	quota("queue-size", "SIZE", "1GiB", "how much the payloads of those messages may take", readSize,
		func(q *store.Quota) *int64 { return &q.Bytes }),
	quota("queue-count", "N", "1000", "queues and other channels of each app that may hold messages or be paused; those that hold nothing make room", readCount,
		func(q *store.Quota) *int64 { return &q.Channels }),
	quota("idempotency-keys", "N", "1000000", "idempotency keys of each app that may be remembered, each for 24 hours", readCount,
		func(q *store.Quota) *int64 { return &q.IdempotencyKeys }),
	quota("dead-letters", "N", "10000", "dead letters that are kept of each app, and answers to asynchronous requests; the oldest go first", readCount,
		func(q *store.Quota) *int64 { return &q.Kept }),
	quota("dead-letter-size", "SIZE", "256MiB", "how much those dead letters may take, and those answers", readSize,
		func(q *store.Quota) *int64 { return &q.KeptBytes }),
	{
		in: Picloud | Orchestrator, flag: "retention-age", env: "PICLOUD_RETENTION_AGE", value: "DURATION", def: "7d",
		about: "how long the record of an execution is kept",
		read: func(c *Config, text string) (err error) {
			c.Retention.MaxAge, err = duration.Parse(text)
			return err
		},
	},
	{
		in: Picloud | Orchestrator, flag: "retention-size", env: "PICLOUD_RETENTION_SIZE", value: "SIZE", def: "256MiB",
		about: "how much disk the records of executions may take; the oldest go first",
		read: func(c *Config, text string) (err error) {
			c.Retention.MaxBytes, err = parseSize(text)
			return err
		},
	},
	{
		in: every, flag: "stop-timeout", env: "PICLOUD_STOP_TIMEOUT", value: "DURATION", def: "20s",
		about: "how long a stop waits for requests under way; a second signal stops at once",
		read: func(c *Config, text string) (err error) {
			c.StopTimeout, err = duration.Parse(text)
			return err
		},
	},
	{
		in: every, flag: "log-level", env: "PICLOUD_LOG_LEVEL", value: "LEVEL", def: "info",
		about: "what PiCloud logs to standard error: debug, info, warn or error",
		read: func(c *Config, text string) error {
			if err := c.LogLevel.UnmarshalText([]byte(text)); err != nil {
				return fmt.Errorf("%q is not a level: debug, info, warn or error", text)
			}
			return nil
		},
	},
	{
		in: Picloud | Manager | Orchestrator, flag: "secrets-key-file", env: "PICLOUD_SECRETS_KEY_FILE", value: "FILE",
		about: "a file with the key that the apps' secrets are sealed under; without it, systemd's credential " + SecretsKeyCredential + ", or else " + SecretsKeyFile + " in the data directory, which PiCloud makes",
		read:  func(c *Config, text string) error { c.SecretsKeyFile = text; return nil },
	},
	{
		in: Picloud | Manager | Orchestrator, env: "PICLOUD_SECRETS_KEY", value: "KEY",
		about: "that key itself, as `picloud secrets generate-key` prints it; a file is safer",
		read: func(c *Config, text string) error {
			c.SecretsKey = text
			_, err := secret.ParseKeys(text)
			return err
		},
	},
	{
		in: Picloud | Manager, env: "PICLOUD_OWNER_USERNAME", value: "NAME",
		about: "with the password below, creates the owner on the first start",
		read:  func(c *Config, text string) error { c.OwnerUsername = text; return nil },
	},
	{
		in: Picloud | Manager, env: "PICLOUD_OWNER_PASSWORD", value: "PASSWORD",
		about: "the owner's password on the first start; later starts do not look at it",
		read:  func(c *Config, text string) error { c.OwnerPassword = text; return nil },
	},
	{
		in: Manager | Orchestrator | Executor, flag: "cluster-key-file", env: "PICLOUD_CLUSTER_KEY_FILE", value: "FILE",
		about: "a file with the key by which the programs of a cluster know one another, the same on every node; without it, systemd's credential " + clusterKeyCredential,
		read:  func(c *Config, text string) error { c.ClusterKeyFile = text; return nil },
	},
	{
		in: Manager | Orchestrator | Executor, env: "PICLOUD_CLUSTER_KEY", value: "KEY",
		about: "that key itself, as `picloud-manager generate-key` prints it; a file is safer",
		read: func(c *Config, text string) (err error) {
			c.clusterKeys, err = cluster.ParseKeys(text)
			return err
		},
	},
	{
		in: Manager, flag: "manager-listen", env: "PICLOUD_MANAGER_LISTEN", value: "HOST:PORT", def: "127.0.0.1:8081",
		about: "where the manager answers the orchestrators of the cluster, and nobody else",
		read:  func(c *Config, text string) (err error) { c.ManagerListen, err = readListen(text); return err },
	},
	{
		in: Manager, flag: "manager-address", env: "PICLOUD_MANAGER_ADDRESS", value: "HOST:PORT",
		about: "where other nodes reach that; needed when it listens on all addresses",
		read:  func(c *Config, text string) (err error) { c.ManagerAddress, err = readAddress(text); return err },
	},
	{
		in: Executor, flag: "executor-listen", env: "PICLOUD_EXECUTOR_LISTEN", value: "HOST:PORT",
		about: "where the executor answers the orchestrators of other nodes; without it only its own node's reaches it, at the socket",
		read:  func(c *Config, text string) (err error) { c.ExecutorListen, err = readListen(text); return err },
	},
	{
		in: Executor, flag: "executor-address", env: "PICLOUD_EXECUTOR_ADDRESS", value: "HOST:PORT",
		about: "where other nodes reach that; needed when it listens on all addresses",
		read:  func(c *Config, text string) (err error) { c.ExecutorAddress, err = readAddress(text); return err },
	},
	{
		in: Orchestrator | Executor, flag: "executor-socket", env: "PICLOUD_EXECUTOR_SOCKET", value: "FILE",
		about: "the socket at which the executor and the orchestrator of one node meet; without it, executor.sock in the data directory",
		read:  func(c *Config, text string) error { c.ExecutorSocket = text; return nil },
	},
}

// Names returns the environment variables of all settings.
func Names() []string {
	names := make([]string, len(settings))
	for i, s := range settings {
		names[i] = s.env
	}
	return names
}

// quota is the setting for one of the bounds of what apps have in their channels.
func quota(flag, value, def, about string, read func(string) (int64, error), field func(*store.Quota) *int64) setting {
	return setting{
		in: Picloud | Manager | Orchestrator, flag: flag, env: "PICLOUD_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_")), value: value, def: def, about: about,
		read: func(c *Config, text string) (err error) {
			*field(&c.Quota), err = read(text)
			return err
		},
	}
}

// limit is the setting for one of an execution's limits. Apps and scripts can
// lower it for themselves.
func limit(flag, value, def, about string, read func(string) (int64, error), field func(*store.Limits) *int64) setting {
	return setting{
		in: Picloud | Manager | Orchestrator, flag: flag, env: "PICLOUD_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_")), value: value, def: def, about: about,
		read: func(c *Config, text string) (err error) {
			*field(&c.Limits), err = read(text)
			return err
		},
	}
}

// Flags holds the settings given on a command line until Read joins them with
// the environment.
type Flags struct {
	program Program
	set     *pflag.FlagSet
	texts   map[string]*string
}

// AddFlags adds the flags for the named settings of a program to a command's, or
// for all of them when none is named.
func AddFlags(set *pflag.FlagSet, program Program, names ...string) *Flags {
	f := &Flags{program: program, set: set, texts: map[string]*string{}}
	for _, s := range settings {
		if s.in&program == 0 || s.flag == "" || len(names) > 0 && !contains(names, s.flag) {
			continue
		}
		text := new(string)
		f.texts[s.flag] = text
		set.Var(&flagText{text: text, def: s.def, kind: s.value}, s.flag, s.about+" ("+s.env+")")
	}
	return f
}

// Read joins flags, environment and defaults, in this order of precedence. An
// empty environment variable counts as absent, and one that the program does not
// take is not looked at: the programs of a node can share one file of them.
func Read(f *Flags, getenv func(string) string) (*Config, error) {
	c := &Config{}
	for _, s := range settings {
		if s.in&f.program == 0 {
			continue
		}
		text, origin := s.def, ""
		if s.flag != "" && f.texts[s.flag] != nil && f.set.Changed(s.flag) {
			text, origin = *f.texts[s.flag], "--"+s.flag
		} else if v := getenv(s.env); v != "" {
			text, origin = v, s.env
		} else if s.def == "" {
			continue
		}
		if err := s.read(c, text); err != nil {
			return nil, fmt.Errorf("%s: %w", origin, err)
		}
	}
	if (c.OwnerUsername == "") != (c.OwnerPassword == "") {
		return nil, fmt.Errorf("PICLOUD_OWNER_USERNAME and PICLOUD_OWNER_PASSWORD go together: set both or neither")
	}
	c.Credentials = getenv("CREDENTIALS_DIRECTORY")
	if f.program == Picloud && c.Memory < c.Limits.MemoryBytes {
		return nil, fmt.Errorf("PICLOUD_MAX_MEMORY is less than PICLOUD_LIMIT_MEMORY: no execution could ever run")
	}
	return c, nil
}

// flagText is a flag whose text Read reads later, so that the flag and
// the environment variable share one parser and its error.
type flagText struct {
	text      *string
	def, kind string
}

func (v *flagText) Set(text string) error { *v.text = text; return nil }
func (v *flagText) Type() string          { return v.kind }

// String is what the help shows as the default; no setting with a secret in it
// has one.
func (v *flagText) String() string { return v.def }

func contains(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

func notEmpty(text string) error {
	if text == "" {
		return fmt.Errorf("it is empty")
	}
	return nil
}

// readListen reads where to listen.
func readListen(text string) (string, error) {
	_, port, err := net.SplitHostPort(text)
	if err != nil {
		return "", fmt.Errorf("%q is not HOST:PORT, such as 127.0.0.1:8080 or :8080", text)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", fmt.Errorf("%q is not a port, a number from 0 to 65535", port)
	} else if n == 0 {
		text = strings.TrimSuffix(text, port) + "0"
	}
	return text, nil
}

// readAddress reads where others connect to.
func readAddress(text string) (string, error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil || host == "" {
		return "", fmt.Errorf("%q is not HOST:PORT, such as 10.0.0.1:8081", text)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", fmt.Errorf("%q is not a port, a number from 1 to 65535", port)
	}
	return text, nil
}

func readDatabase(c *Config, text string) error {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return nil
	case err != nil:
		// The parser's own error repeats the text, and with it the password.
		return fmt.Errorf("it is not a URL of the form postgres://USER:PASSWORD@HOST/NAME (special characters in the password are written %%XX)")
	case u.Scheme != "postgres" && u.Scheme != "postgresql":
		return fmt.Errorf("PiCloud speaks PostgreSQL (postgres://…), not %q; without a URL it uses SQLite in the data directory", u.Scheme)
	}
	c.Database = text
	return nil
}

func readPublicURL(c *Config, text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return fmt.Errorf("%q is not an address of the form https://HOST, without a path", text)
	}
	c.PublicURL = u.Scheme + "://" + u.Host
	return nil
}

func readDomain(c *Config, text string) error {
	domain := strings.ToLower(strings.Trim(text, "."))
	for _, label := range strings.Split(domain, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return fmt.Errorf("%q is not a domain such as apps.example.com (letters, digits, hyphens and dots; no port)", text)
		}
	}
	c.AppsDomain = domain
	return nil
}

func readPrefixes(c *Config, text string) error {
	c.TrustedProxies = nil
	for _, part := range strings.Split(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		if addr, err := netip.ParseAddr(part); err == nil {
			c.TrustedProxies = append(c.TrustedProxies, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		prefix, err := netip.ParsePrefix(part)
		if err != nil {
			return fmt.Errorf("%q is neither an address such as 10.0.0.1 nor a network such as 10.0.0.0/8", part)
		}
		c.TrustedProxies = append(c.TrustedProxies, prefix.Masked())
	}
	return nil
}

// Getenv reads the environment. The owner's password and the keys are taken out
// of it, so that nothing started later inherits them.
func Getenv(name string) string {
	v := os.Getenv(name)
	if name == "PICLOUD_OWNER_PASSWORD" || name == "PICLOUD_SECRETS_KEY" || name == "PICLOUD_CLUSTER_KEY" {
		_ = os.Unsetenv(name)
	}
	return v
}

// WritePage writes docs/configuration.md.
func WritePage(w io.Writer) error {
	var b strings.Builder
	b.WriteString(`# Configuration

<!-- Made by make generate from internal/bootstrap/settings. -->

Every program takes each of its settings as a flag or from the environment; a flag wins.
Nothing has to be set for ` + "`picloud`" + `: it keeps its data in ` + "`./data`" + ` and listens on this
machine only. The programs of a cluster (` + "`picloud-manager`" + ` and so on) pass over variables
that are not theirs: they can share one file of them.

| flag | environment | default | programs | what it does |
|---|---|---|---|---|
`)
	for _, s := range settings {
		flag, def := "", ""
		if s.flag != "" {
			flag = "`--" + s.flag + " " + s.value + "`"
		}
		if s.def != "" {
			def = "`" + s.def + "`"
		}
		in := "all"
		if s.in != every {
			in = strings.ReplaceAll(s.in.String(), "picloud-", "")
		}
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s | %s |\n", flag, s.env, def, in, s.about)
	}
	b.WriteString(`
Sizes are numbers with ` + "`KiB`, `MiB` or `GiB`" + ` behind them, or bytes. Durations are numbers with
` + "`ms`, `s`, `m`, `h`, `d` or `w`" + ` behind them, such as ` + "`1h30m` or `7d`" + `.

An app, and within it a script, can lower the limits of an execution for itself, never raise
them.

PiCloud reads ` + "`GOMAXPROCS`, `GOGC` and `GOMEMLIMIT`" + ` as every Go program does. PostgreSQL
settings that the URL does not give are taken from the usual ` + "`PGPASSFILE`, `PGSSLMODE`" + ` and so on.
`)
	_, err := io.WriteString(w, b.String())
	return err
}
