// Package caddy holds the Caddyfile that stands in front of PiCloud, and tests
// it with a Caddy built from its module.
package caddy

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	cloud    = "cloud.picloud.test"
	apps     = "apps.picloud.test"
	password = "correct horse battery"
)

// front is Caddy with PiCloud behind it.
type front struct {
	t           *testing.T
	http, https string // HOST:PORT
	roots       *x509.CertPool
	token       string
}

func build(t *testing.T, name, dir, pkg string) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), name)
	cmd := exec.Command("go", "build", "-o", bin, pkg)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", name, err, out)
	}
	return bin
}

// launch starts a program that ends with the test, and returns the first line
// of the given output in which it says that it serves.
func launch(t *testing.T, cmd *exec.Cmd, output io.Reader, says string) string {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said, ended := make(chan string, 1), make(chan struct{})
	var log bytes.Buffer
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(output); lines.Scan(); {
			fmt.Fprintln(&log, lines.Text())
			if strings.Contains(lines.Text(), says) {
				select {
				case said <- lines.Text():
				default:
				}
			}
		}
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(cmd.Path), log.String())
		}
	})
	select {
	case line := <-said:
		return line
	case <-ended:
		t.Fatalf("%s ended before it said %q:\n%s", cmd.Path, says, log.String())
		return ""
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func start(t *testing.T) *front {
	picloud := exec.Command(build(t, "picloud", "../..", "./cmd/picloud"), "serve", "--listen", "127.0.0.1:0", "--data", t.TempDir())
	picloud.Env = append(os.Environ(),
		"PICLOUD_OWNER_USERNAME=ada", "PICLOUD_OWNER_PASSWORD="+password,
		"PICLOUD_TRUSTED_PROXIES=127.0.0.1", "PICLOUD_PUBLIC_URL=https://"+cloud, "PICLOUD_APPS_DOMAIN="+apps)
	picloud.Stderr = t.Output()
	out, err := picloud.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	const at = "PiCloud is at http://"
	upstream := strings.TrimPrefix(launch(t, picloud, out, at), at)

	f := &front{t: t, http: freeAddress(t), https: freeAddress(t), roots: x509.NewCertPool()}
	port := func(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }
	data := t.TempDir()
	caddy := exec.Command(build(t, "caddy", ".", "github.com/caddyserver/caddy/v2/cmd/caddy"), "run", "--config", "Caddyfile", "--adapter", "caddyfile")
	caddy.Env = append(os.Environ(), "HOME="+data, "XDG_DATA_HOME="+data, "XDG_CONFIG_HOME="+data,
		"PICLOUD_DOMAIN="+cloud, "PICLOUD_UPSTREAM="+upstream,
		"CADDY_OPTIONS="+strings.Join([]string{
			"admin off", "local_certs", "skip_install_trust",
			"http_port " + port(f.http), "https_port " + port(f.https),
			"storage file_system " + data,
		}, "\n"))
	pipe, err := caddy.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	launch(t, caddy, pipe, "serving initial configuration")
	root, err := os.ReadFile(filepath.Join(data, "pki/authorities/local/root.crt"))
	if err != nil || !f.roots.AppendCertsFromPEM(root) {
		t.Fatalf("the root certificate of Caddy's own authority: %v", err)
	}
	return f
}

// client speaks to Caddy whatever host a URL names.
func (f *front) client() *http.Client {
	return &http.Client{
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			ForceAttemptHTTP2: true,
			TLSClientConfig:   &tls.Config{RootCAs: f.roots},
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				to := f.https
				if strings.HasSuffix(addr, ":80") {
					to = f.http
				}
				return (&net.Dialer{}).DialContext(ctx, network, to)
			},
		},
	}
}

func (f *front) do(method, url, body string, header ...string) (*http.Response, string, error) {
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if f.token != "" && strings.Contains(url, "/api/") {
		r.Header.Set("Authorization", "Bearer "+f.token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := f.client().Do(r)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp, string(text), err
}

// must is do for a request that succeeds.
func (f *front) must(method, url, body string, header ...string) (*http.Response, string) {
	f.t.Helper()
	resp, text, err := f.do(method, url, body, header...)
	if err != nil {
		f.t.Fatal(err)
	}
	if resp.StatusCode >= 300 {
		f.t.Fatalf("%s %s: %s: %s", method, url, resp.Status, text)
	}
	return resp, text
}

func TestPiCloudBehindCaddy(t *testing.T) {
	f := start(t)

	// Caddy orders the control plane's certificate in the background.
	deadline := time.Now().Add(time.Minute)
	for {
		_, _, err := f.do("GET", "https://"+cloud+"/healthz", "")
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("Caddy has no certificate for %s after a minute: %v", cloud, err)
		}
	}

	t.Run("HTTP is sent to HTTPS", func(t *testing.T) {
		resp, _, err := f.do("GET", "http://"+cloud+"/_/", "")
		if err != nil {
			t.Fatal(err)
		}
		if to := resp.Header.Get("Location"); resp.StatusCode != http.StatusPermanentRedirect || !strings.HasPrefix(to, "https://"+cloud) {
			t.Errorf("%s to %q", resp.Status, to)
		}
	})

	resp, text := f.must("POST", "https://"+cloud+"/api/v1/sessions", `{"username":"ada","password":"`+password+`"}`)
	if resp.ProtoMajor != 2 {
		t.Errorf("answered by %s, want HTTP/2", resp.Proto)
	}
	var session struct{ Token string }
	if err := json.Unmarshal([]byte(text), &session); err != nil || session.Token == "" {
		t.Fatalf("no token in %s: %v", text, err)
	}
	f.token = session.Token
	f.must("POST", "https://"+cloud+"/api/v1/apps", `{"slug":"demo"}`)
	f.must("PUT", "https://"+cloud+"/api/v1/apps/demo/scripts/seen", `{"source":"request.ip + \" \" + request.url"}`)

	t.Run("PiCloud knows that its pages are on HTTPS", func(t *testing.T) {
		resp, _ := f.must("POST", "https://"+cloud+"/api/v1/sessions", `{"username":"ada","password":"`+password+`","client":"browser"}`)
		cookies := resp.Cookies()
		if len(cookies) != 1 || cookies[0].Name != "__Host-picloud_session" || !cookies[0].Secure {
			t.Errorf("cookies %v, want a secure one that is bound to the host", cookies)
		}
	})

	t.Run("scripts see the client and its address bar", func(t *testing.T) {
		resp, text := f.must("GET", "https://"+cloud+"/demo/seen?x=1", "", "X-Forwarded-For", "203.0.113.9", "X-Forwarded-Proto", "http")
		if want := "127.0.0.1 https://" + cloud + "/demo/seen?x=1"; text != want {
			t.Errorf("the script saw %q, want %q", text, want)
		}
		if csp := resp.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "sandbox") {
			t.Errorf("on the control plane's host a script's page is not in a sandbox: %q", csp)
		}
	})

	t.Run("an app has an origin of its own", func(t *testing.T) {
		resp, text := f.must("GET", "https://demo."+apps+"/seen", "")
		if want := "127.0.0.1 https://demo." + apps + "/seen"; text != want {
			t.Errorf("the script saw %q, want %q", text, want)
		}
		if csp := resp.Header.Get("Content-Security-Policy"); strings.Contains(csp, "sandbox") {
			t.Errorf("on its own host a script's page is in a sandbox: %q", csp)
		}
	})

	t.Run("no certificate for hosts that are no app's", func(t *testing.T) {
		for _, host := range []string{"other." + apps, apps, "evil.example"} {
			if resp, _, err := f.do("GET", "https://"+host+"/", ""); err == nil {
				t.Errorf("%s is served: %s", host, resp.Status)
			}
		}
	})

	t.Run("events come at once", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, "GET", "https://"+cloud+"/api/v1/apps/demo/executions/stream", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+f.token)
		resp, err := f.client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		f.must("GET", "https://"+cloud+"/demo/seen", "")
		for lines := bufio.NewScanner(resp.Body); ; {
			if !lines.Scan() {
				t.Fatalf("the stream ended without the execution: %v", lines.Err())
			}
			if strings.HasPrefix(lines.Text(), "data: ") && strings.Contains(lines.Text(), `"script":"seen"`) {
				return
			}
		}
	})
}
