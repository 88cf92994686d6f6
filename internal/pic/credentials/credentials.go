// Package credentials keeps where pic's server is and the token it gave. They
// stand in one file that only its owner can read, and the environment goes
// before the file.
package credentials

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// The environment variables that are read.
const (
	EnvURL   = "PICLOUD_URL"
	EnvToken = "PICLOUD_TOKEN"
	EnvDir   = "PICLOUD_CONFIG_DIR"
)

// fileName is the credentials file in the configuration directory.
const fileName = "credentials.json"

// ErrNone is returned when no server is known.
var ErrNone = errors.New("not signed in: no server is known")

// Credentials say which server to talk to and as whom.
type Credentials struct {
	URL      string `json:"url"`                // as CheckURL returns it
	Token    string `json:"token,omitempty"`    // empty: not signed in there
	Username string `json:"username,omitempty"` // for display only
}

// Store finds the credentials. Getenv reads the environment.
type Store struct {
	Getenv func(string) string
}

// Dir returns the configuration directory: PICLOUD_CONFIG_DIR, or "picloud"
// in the user's configuration directory.
func (s Store) Dir() (string, error) {
	if d := s.Getenv(EnvDir); d != "" {
		return d, nil
	}
	// os.UserConfigDir reads the process environment; Getenv may be another.
	if runtime.GOOS == "linux" {
		if d := s.Getenv("XDG_CONFIG_HOME"); filepath.IsAbs(d) {
			return filepath.Join(d, "picloud"), nil
		}
		if h := s.Getenv("HOME"); h != "" {
			return filepath.Join(h, ".config", "picloud"), nil
		}
	}
	d, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("finding your configuration directory: %w; set %s", err, EnvDir)
	}
	return filepath.Join(d, "picloud"), nil
}

// Path returns the path of the credentials file.
func (s Store) Path() (string, error) {
	d, err := s.Dir()
	if err != nil {
		return "", err
	}
	return filepath.Join(d, fileName), nil
}

// Load returns the credentials to use: PICLOUD_URL and PICLOUD_TOKEN, each
// before the file's. The file's token is only used for the file's URL: a
// PICLOUD_URL that names another server never gets it. ErrNone when neither
// the environment nor the file names a server.
func (s Store) Load() (Credentials, error) {
	c, err := s.File()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Credentials{}, err
	}
	if raw := s.Getenv(EnvURL); raw != "" {
		u, err := CheckURL(raw)
		if err != nil {
			return Credentials{}, fmt.Errorf("%s: %w", EnvURL, err)
		}
		if u != c.URL {
			c = Credentials{URL: u}
		}
	}
	if t := strings.TrimSpace(s.Getenv(EnvToken)); t != "" && t != c.Token {
		c.Token, c.Username = t, ""
	}
	if c.URL == "" {
		return Credentials{}, ErrNone
	}
	return c, nil
}

// File returns what the credentials file holds; an error that is
// fs.ErrNotExist when there is none. A file that others can read is refused.
func (s Store) File() (Credentials, error) {
	path, err := s.Path()
	if err != nil {
		return Credentials{}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return Credentials{}, err
	}
	if m := info.Mode().Perm(); runtime.GOOS != "windows" && m&0o077 != 0 {
		return Credentials{}, fmt.Errorf("others can read %s (mode %04o): run chmod 600 %s, and log in again if somebody may have read it", path, m, path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return Credentials{}, err
	}
	var c Credentials
	if err := json.Unmarshal(b, &c); err != nil {
		return Credentials{}, fmt.Errorf("%s is damaged (%w): log in again, or remove it", path, err)
	}
	return c, nil
}

// Save replaces the credentials file in one step. The file gets mode 0600,
// its directory, when it has to be made, 0700.
func (s Store) Save(c Credentials) error {
	path, err := s.Path()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("making the configuration directory: %w", err)
	}
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	if err := replace(path, append(b, '\n')); err != nil {
		return fmt.Errorf("writing the credentials: %w", err)
	}
	return nil
}

// Remove deletes the credentials file; it is no error when there is none.
func (s Store) Remove() error {
	path, err := s.Path()
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the credentials: %w", err)
	}
	return nil
}

// CheckURL returns the base URL of a server in one spelling: scheme and host
// in lower case, no default port, no slash at the end. Without a scheme it
// takes http for this machine and https for any other.
func CheckURL(raw string) (string, error) {
	s := strings.TrimSpace(raw)
	if s == "" {
		return "", errors.New("the server's URL is empty")
	}
	if !strings.Contains(s, "://") {
		host := s
		if i := strings.IndexByte(host, '/'); i >= 0 {
			host = host[:i]
		}
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		if IsLoopback(host) {
			s = "http://" + s
		} else {
			s = "https://" + s
		}
	}
	u, err := url.Parse(s)
	if err != nil {
		// url.Error repeats its input, which may hold a password.
		return "", errors.New("the server's URL cannot be read: it looks like https://picloud.example.com")
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return "", fmt.Errorf("the server's URL must start with https:// or http://, not %s://", u.Scheme)
	case u.User != nil:
		return "", errors.New("the server's URL must not hold a user name or password: log in with --username, or --token-stdin")
	case u.Hostname() == "":
		return "", fmt.Errorf("the server's URL %q names no host", raw)
	case u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("the server's URL must end after the path: leave out ? and #")
	}
	host := strings.ToLower(u.Host)
	switch {
	case u.Scheme == "http":
		host = strings.TrimSuffix(host, ":80")
	case u.Scheme == "https":
		host = strings.TrimSuffix(host, ":443")
	}
	return u.Scheme + "://" + host + strings.TrimRight(u.EscapedPath(), "/"), nil
}

// IsLoopback reports whether host can only be this machine.
func IsLoopback(host string) bool {
	host = strings.ToLower(strings.Trim(host, "[]"))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// Exposed reports whether a token sent to the URL travels unencrypted over a
// network.
func Exposed(base string) bool {
	u, err := url.Parse(base)
	return err == nil && u.Scheme == "http" && !IsLoopback(u.Hostname())
}
