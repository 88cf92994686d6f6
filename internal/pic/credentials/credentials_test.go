package credentials

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func storeIn(dir string, env map[string]string) Store {
	return Store{Getenv: func(k string) string {
		if k == EnvDir {
			return dir
		}
		return env[k]
	}}
}

func TestSaveLoadRemove(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "picloud")
	s := storeIn(dir, nil)
	if _, err := s.Load(); !errors.Is(err, ErrNone) {
		t.Fatalf("Load without a file: %v", err)
	}
	want := Credentials{URL: "https://pi.example.com", Token: "secret", Username: "ada"}
	if err := s.Save(want); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Load(); err != nil || got != want {
		t.Fatalf("Load = %+v, %v", got, err)
	}
	if runtime.GOOS != "windows" {
		for path, mode := range map[string]fs.FileMode{dir: 0o700, filepath.Join(dir, fileName): 0o600} {
			if i, err := os.Stat(path); err != nil || i.Mode().Perm() != mode {
				t.Errorf("%s: mode %v, %v, want %v", path, i.Mode().Perm(), err, mode)
			}
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("Save left %v", entries)
	}
	for range 2 {
		if err := s.Remove(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.File(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("File after Remove: %v", err)
	}
}

func TestLoadPrefersTheEnvironment(t *testing.T) {
	file := Credentials{URL: "https://pi.example.com", Token: "of-the-file", Username: "ada"}
	for _, c := range []struct {
		name string
		env  map[string]string
		want Credentials
	}{
		{"nothing set", nil, file},
		{"token", map[string]string{EnvToken: "other"}, Credentials{URL: file.URL, Token: "other"}},
		{
			"another server never gets the file's token",
			map[string]string{EnvURL: "https://evil.example.com"},
			Credentials{URL: "https://evil.example.com"},
		},
		{"the same server in another spelling", map[string]string{EnvURL: "HTTPS://PI.example.com:443/"}, file},
		{"both", map[string]string{EnvURL: "http://localhost:1", EnvToken: "t"}, Credentials{URL: "http://localhost:1", Token: "t"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := storeIn(t.TempDir(), c.env)
			if err := s.Save(file); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Load(); err != nil || got != c.want {
				t.Errorf("Load = %+v, %v, want %+v", got, err, c.want)
			}
		})
	}
}

func TestLoadRefuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, fileName)
	write := func(text string, mode fs.FileMode) {
		t.Helper()
		os.Remove(path)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"url":"https://pi.example.com","token":"s3cret"}`, 0o644)
	if _, err := storeIn(dir, nil).Load(); runtime.GOOS != "windows" &&
		(err == nil || !strings.Contains(err.Error(), "chmod 600 "+path)) {
		t.Errorf("readable by others: %v", err)
	}
	write(`{"url":`, 0o600)
	if _, err := storeIn(dir, nil).Load(); err == nil || !strings.Contains(err.Error(), "is damaged") {
		t.Errorf("damaged: %v", err)
	}
	if _, err := storeIn(t.TempDir(), map[string]string{EnvURL: "ftp://x"}).Load(); err == nil ||
		err.Error() != "PICLOUD_URL: the server's URL must start with https:// or http://, not ftp://" {
		t.Errorf("wrong scheme: %v", err)
	}
}

func TestCheckURL(t *testing.T) {
	for in, want := range map[string]string{
		"https://Pi.Example.com/":      "https://pi.example.com",
		"http://localhost:8080":        "http://localhost:8080",
		"localhost:8080":               "http://localhost:8080",
		"127.0.0.1:8080":               "http://127.0.0.1:8080",
		"[::1]:8080/":                  "http://[::1]:8080",
		"pi.example.com":               "https://pi.example.com",
		"pi.example.com:8443/cloud/":   "https://pi.example.com:8443/cloud",
		"http://pi.example.com:80":     "http://pi.example.com",
		" https://pi.example.com:443 ": "https://pi.example.com",
	} {
		if got, err := CheckURL(in); err != nil || got != want {
			t.Errorf("CheckURL(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"", "https://", "ssh://pi", "https://ada:s3cret@pi", "https://pi/?q=1", "https://pi/#f", "http://[::1", "https://ada:s3cret@[pi"} {
		got, err := CheckURL(in)
		if err == nil {
			t.Errorf("CheckURL(%q) = %q, want an error", in, got)
		} else if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("CheckURL(%q) shows the password: %v", in, err)
		}
	}
}

func TestDir(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the rules of the XDG base directories are Linux's")
	}
	for _, c := range []struct{ config, xdg, home, want string }{
		{"/c", "/x", "/h", "/c"},
		{"", "/x", "/h", "/x/picloud"},
		{"", "relative", "/h", "/h/.config/picloud"},
		{"", "", "/h", "/h/.config/picloud"},
	} {
		s := Store{Getenv: func(k string) string {
			return map[string]string{EnvDir: c.config, "XDG_CONFIG_HOME": c.xdg, "HOME": c.home}[k]
		}}
		if got, err := s.Dir(); err != nil || got != c.want {
			t.Errorf("Dir with %+v = %q, %v", c, got, err)
		}
	}
}

func TestExposed(t *testing.T) {
	for base, want := range map[string]bool{
		"http://localhost:8080": false, "http://demo.localhost": false, "http://127.9.9.9": false, "http://[::1]:1": false,
		"https://pi.example.com": false, "http://192.168.1.4:8080": true, "http://pi.local": true,
	} {
		if Exposed(base) != want {
			t.Errorf("Exposed(%q) = %v", base, !want)
		}
	}
}
