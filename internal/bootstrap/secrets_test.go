package bootstrap

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/bootstrap/settings"
	"github.com/picloud/picloud/internal/picloudtest"
	"github.com/picloud/picloud/internal/testdir"
)

const (
	hidden      = "hunter2-correct-horse"
	hiddenToo   = "battery\nstaple-hunter2\n"
	showSecrets = `secret::get("TOKEN") + secret::get("PEM")`
)

// withSecrets starts picloud with an app that has secrets, and a script that
// answers them.
func withSecrets(t *testing.T, o picloudtest.Options) (*picloudtest.Server, *client.Client) {
	t.Helper()
	s := instanceOn(t, o)
	s.app("demo", map[string]string{"show": showSecrets})
	c := s.Client
	if _, _, err := c.SetSecret(t.Context(), "demo", "TOKEN", hidden); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ImportSecrets(t.Context(), "demo", map[string]string{"PEM": hiddenToo}); err != nil {
		t.Fatal(err)
	}
	return s.Server, c
}

// opens reports whether a script reads the secrets.
func opens(t *testing.T, s *picloudtest.Server) {
	t.Helper()
	if got, err := picloudtest.Get(t.Context(), s.URL+"/demo/show"); err != nil || got != hidden+hiddenToo {
		t.Fatalf("the script answers %q, %v", got, err)
	}
}

// leaks says in which form a text holds a secret.
func leaks(text []byte) string {
	for _, s := range []string{hidden, "staple-hunter2"} {
		for _, form := range []string{s, base64.RawStdEncoding.EncodeToString([]byte(s))[:16], fmt.Sprintf("%x", s), fmt.Sprintf("%X", s)} {
			if bytes.Contains(text, []byte(form)) {
				return form
			}
		}
	}
	return ""
}

// Wherever one looks, there is no secret: in the data directory, a backup, the
// arguments of the process, what it logs, what is recorded and what the API answers.
func TestSecretsDoNotLeak(t *testing.T) {
	processes(t, func(t *testing.T, o picloudtest.Options) {
		var log bytes.Buffer
		o.Stderr, o.Args = &log, []string{"--log-level", "debug"}
		s, c := withSecrets(t, o)
		opens(t, s)
		const leak = `let k = secret::get("TOKEN"); let p = secret::get("PEM");
			print(k); log::error("x", #{ k: [k, p] }); print(base64::encode(p + k)); debug(hex::encode(k)); log::info(p); throw k + p`
		if err := picloudtest.Deploy(t.Context(), c, "demo", "leak", leak); err != nil {
			t.Fatal(err)
		}
		resp, err := http.Get(s.URL + "/demo/leak")
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != 500 || leaks(answer) != "" {
			t.Errorf("the script's error is answered %d, %s", resp.StatusCode, answer)
		}
		// Refused attempts, whose bodies are not to be found anywhere either.
		_, _, err = c.SetSecret(t.Context(), "demo", "NO-NAME", hidden)
		if err == nil || leaks([]byte(err.Error())) != "" {
			t.Errorf("a refused secret: %v", err)
		}
		if _, err = c.ImportSecrets(t.Context(), "demo", map[string]string{"A": hidden + "\x00"}); err == nil || leaks([]byte(err.Error())) != "" {
			t.Errorf("a refused import: %v", err)
		}
		list, err := c.ListSecrets(t.Context(), "demo", client.Page{})
		if err != nil {
			t.Fatal(err)
		}
		executions, err := c.ListExecutions(t.Context(), "demo", client.ExecutionQuery{})
		if err != nil {
			t.Fatal(err)
		}
		app, err := c.App(t.Context(), "demo")
		if err != nil {
			t.Fatal(err)
		}
		audit, err := c.ListAudit(t.Context(), client.AuditQuery{})
		if err != nil {
			t.Fatal(err)
		}
		answers, err := json.Marshal([]any{list, executions, app, audit})
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(answers, []byte("[secret:TOKEN]")) || leaks(answers) != "" {
			t.Errorf("the API answers %s", answers)
		}
		cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", s.PID()))
		if err != nil {
			t.Fatal(err)
		}
		var backup bytes.Buffer
		cmd := exec.CommandContext(t.Context(), o.Binary, "backup", "-", "--data", o.Data)
		cmd.Env = append(os.Environ(), o.Env...)
		cmd.Stdout = &backup
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
		found := map[string][]byte{"the arguments": cmdline, "the backup": backup.Bytes(), "the log": log.Bytes(), "standard output": []byte(s.Output())}
		err = filepath.WalkDir(o.Data, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			found[path], err = os.ReadFile(path)
			return err
		})
		if err != nil || len(found) < 6 {
			t.Fatalf("%d places, %v", len(found), err)
		}
		key, err := os.ReadFile(filepath.Join(o.Data, settings.SecretsKeyFile))
		if err != nil {
			t.Fatal(err)
		}
		_, key, _ = bytes.Cut(key, []byte("psk1_"))
		key = bytes.TrimSpace(key)
		for where, text := range found {
			if form := leaks(text); form != "" {
				t.Errorf("%s holds %s", where, form)
			}
			if filepath.Base(where) != settings.SecretsKeyFile && bytes.Contains(text, key) {
				t.Errorf("%s holds the key", where)
			}
		}
	})
}

// picloudSecrets runs picloud secrets.
func picloudSecrets(t *testing.T, o picloudtest.Options, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), o.Binary, append([]string{"secrets"}, append(args, "--data", o.Data)...)...)
	cmd.Env = append(os.Environ(), o.Env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// A rotation works beside a running picloud and without one, and may be killed at
// any moment, as may the picloud that does it.
func TestRotateKeyAndKill(t *testing.T) {
	processes(t, func(t *testing.T, o picloudtest.Options) {
		s, c := withSecrets(t, o)
		out, err := picloudSecrets(t, o, "rotate-key")
		if err != nil || !strings.Contains(out, "The secrets (2) are sealed under the key ") || !strings.Contains(out, "opens older backups") {
			t.Fatalf("%s, %v", out, err)
		}
		opens(t, s)
		entries, err := c.ListAudit(t.Context(), client.AuditQuery{Action: "rotateSecretsKey"})
		if err != nil || len(entries.Items) != 1 || entries.Items[0].Address != "this machine" {
			t.Errorf("the audit log says %+v, %v", entries.Items, err)
		}
		for i := range 6 {
			rotate := exec.CommandContext(t.Context(), o.Binary, "secrets", "rotate-key", "--data", o.Data)
			rotate.Env = append(os.Environ(), o.Env...)
			if i%2 == 0 { // the server does it, and is killed
				if err := rotate.Start(); err != nil {
					t.Fatal(err)
				}
				pause(rand.N(30 * time.Millisecond))
				if err := s.Kill(); err != nil {
					t.Fatal(err)
				}
				_ = rotate.Wait() // that it fails is expected
			} else { // the command does it, and is killed
				if err := s.Stop(); err != nil {
					t.Fatal(err)
				}
				if err := rotate.Start(); err != nil {
					t.Fatal(err)
				}
				pause(rand.N(150 * time.Millisecond))
				_ = rotate.Process.Signal(syscall.SIGKILL) // it may have ended
				_ = rotate.Wait()
			}
			s = launch(t, o)
			opens(t, s)
		}
		if c, err = s.SignIn(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.SetSecret(t.Context(), "demo", "LATER", hidden); err != nil {
			t.Fatal(err)
		}
		if out, err := picloudSecrets(t, o, "rotate-key", "--drop-old"); err != nil || !strings.Contains(out, "The secrets (3)") || !strings.Contains(out, "is gone") {
			t.Errorf("%s, %v", out, err)
		}
		opens(t, s)
		text, err := os.ReadFile(filepath.Join(o.Data, settings.SecretsKeyFile))
		if err != nil || bytes.Count(text, []byte("psk1_")) != 1 {
			t.Errorf("%d keys are left, %v", bytes.Count(text, []byte("psk1_")), err)
		}
	})
}

// pause lets a moment pass, at which something is killed: any moment will do.
func pause(d time.Duration) { <-time.After(d) }

// Without the right key nothing starts, and it says what to do. A backup opens
// where the key is.
func TestSecretsKeyIsNeeded(t *testing.T) {
	processes(t, func(t *testing.T, o picloudtest.Options) {
		s, _ := withSecrets(t, o)
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
		refused := func(want string, env ...string) {
			t.Helper()
			other := o
			other.Env, other.Stderr = append(env, o.Env...), nil
			s, err := picloudtest.Start(t.Context(), other)
			if err == nil {
				_ = s.Kill()
				t.Fatalf("it starts; want %s", want)
			}
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v; want %s", err, want)
			}
		}
		file := filepath.Join(o.Data, settings.SecretsKeyFile)
		kept := file + ".kept"
		if err := os.Rename(file, kept); err != nil {
			t.Fatal(err)
		}
		refused("secrets.key is not there: put the right key back")
		out, err := exec.CommandContext(t.Context(), o.Binary, "secrets", "generate-key").Output()
		if err != nil {
			t.Fatal(err)
		}
		another := strings.TrimSpace(string(out))
		refused("which is not in PICLOUD_SECRETS_KEY", "PICLOUD_SECRETS_KEY="+another)
		refused("PICLOUD_SECRETS_KEY: key 1: it is not whole", "PICLOUD_SECRETS_KEY="+another[:40])
		refused("no such file", "PICLOUD_SECRETS_KEY_FILE="+kept+"-not")

		// The key as a file, as a credential, and in the environment before another.
		credentials := t.TempDir()
		right, err := os.ReadFile(kept)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(credentials, settings.SecretsKeyCredential), right, 0o440); err != nil {
			t.Fatal(err)
		}
		_, text, _ := strings.Cut(string(right), "psk1_")
		for _, env := range []string{"PICLOUD_SECRETS_KEY_FILE=" + kept, "CREDENTIALS_DIRECTORY=" + credentials, "PICLOUD_SECRETS_KEY=" + another + " psk1_" + strings.TrimSpace(text)} {
			given := o
			given.Env = append([]string{env}, o.Env...)
			s := launch(t, given)
			opens(t, s)
			if err := s.Stop(); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(file); err == nil {
				t.Errorf("%.20s: a key file was made beside the key that was handed in", env)
			}
		}
		// The key is lost: the way out.
		if out, err := picloudSecrets(t, o, "discard"); err == nil || !strings.Contains(out, "add --yes") {
			t.Errorf("without --yes: %s, %v", out, err)
		}
		if out, err := picloudSecrets(t, o, "discard", "--yes"); err != nil || out != "Removed 2 secrets.\n" {
			t.Errorf("%q, %v", out, err)
		}
		s = launch(t, o)
		if resp, err := http.Get(s.URL + "/demo/show"); err != nil || resp.StatusCode != 500 {
			t.Errorf("%v, %v", resp, err)
		} else {
			resp.Body.Close()
		}
	})
}

func TestSecretsInABackup(t *testing.T) {
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	o := picloudtest.Options{Binary: bin, Data: testdir.New(t), Stderr: t.Output()}
	s, _ := withSecrets(t, o)
	file := filepath.Join(t.TempDir(), "backup")
	run := func(args ...string) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), bin, args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	run("backup", file, "--data", o.Data)
	if _, err := picloudSecrets(t, o, "rotate-key"); err != nil { // the backup is under the key of before
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	restored := picloudtest.Options{Binary: bin, Data: filepath.Join(testdir.New(t), "new")}
	run("restore", file, "--data", restored.Data)
	if _, err := picloudtest.Start(t.Context(), restored); err == nil || !strings.Contains(err.Error(), "put the right key back") {
		t.Fatalf("without the key: %v", err)
	}
	key, err := os.ReadFile(filepath.Join(o.Data, settings.SecretsKeyFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(restored.Data, settings.SecretsKeyFile), key, 0o600); err != nil {
		t.Fatal(err)
	}
	opens(t, launch(t, restored))
}
