// Package browser opens PiCloud's pages in a real browser. It holds one
// promise: a script's page cannot act as the person who looks at it.
package browser

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

const (
	username = "ada"
	password = "correct horse battery"
)

// instance is a picloud whose owner is ada and which holds the app demo.
type instance struct {
	t     *testing.T
	port  string
	token string
}

// control is an address on the control host. The browser takes localhost and
// its subdomains as this machine, and as secure contexts.
func (p *instance) control(path string) string { return "http://localhost:" + p.port + path }

func (p *instance) own(path string) string { return "http://demo.localhost:" + p.port + path }

func start(t *testing.T) *instance {
	bin := filepath.Join(t.TempDir(), "picloud")
	build := exec.Command("go", "build", "-o", bin, "./cmd/picloud")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building picloud: %v\n%s", err, out)
	}
	cmd := exec.Command(bin, "serve", "--listen", "127.0.0.1:0", "--data", t.TempDir())
	cmd.Env = append(os.Environ(), "PICLOUD_OWNER_USERNAME="+username, "PICLOUD_OWNER_PASSWORD="+password)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("picloud did not start: %v", err)
	}
	go io.Copy(io.Discard, out) //nolint:errcheck // so that it can go on printing
	line = strings.TrimSpace(line)
	p := &instance{t: t, port: line[strings.LastIndexByte(line, ':')+1:]}
	var session struct{ Token string }
	p.api("POST", "/sessions", map[string]string{"username": username, "password": password}, &session)
	p.token = session.Token
	p.api("POST", "/apps", map[string]string{"slug": "demo"}, nil)
	return p
}

// api calls the REST API and fails the test unless it succeeds.
func (p *instance) api(method, path string, body, answer any) {
	p.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	r, err := http.NewRequest(method, "http://127.0.0.1:"+p.port+"/api/v1"+path, bytes.NewReader(b))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if p.token != "" {
		r.Header.Set("Authorization", "Bearer "+p.token)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		p.t.Fatalf("%s %s: %s: %s %v", method, path, resp.Status, text, err)
	}
	if answer != nil {
		if err := json.Unmarshal(text, answer); err != nil {
			p.t.Fatal(err)
		}
	}
}

func (p *instance) deploy(name, source string) {
	p.t.Helper()
	p.api("PUT", "/apps/demo/scripts/"+name, map[string]string{"source": source}, nil)
}

func (p *instance) apps() string {
	p.t.Helper()
	var list struct{ Items []struct{ Slug string } }
	p.api("GET", "/apps", nil, &list)
	var slugs []string
	for _, a := range list.Items {
		slugs = append(slugs, a.Slug)
	}
	return strings.Join(slugs, " ")
}

// browse opens a browser that ends with the test.
func browse(t *testing.T) context.Context {
	program := os.Getenv("PICLOUD_TEST_CHROMIUM")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if program == "" {
			program, _ = exec.LookPath(name)
		}
	}
	if program == "" {
		t.Fatal("there is no Chromium here: tools/need chromium installs it, PICLOUD_TEST_CHROMIUM names another")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // the browser's own, which refuses root
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	ctx, cancelAllocator := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancelAllocator)
	ctx, cancelBrowser := chromedp.NewContext(ctx)
	t.Cleanup(cancelBrowser)
	return ctx
}

func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// open goes to an address and returns the text of the first element that the
// selector finds there.
func open(t *testing.T, ctx context.Context, address, selector string) string {
	t.Helper()
	do(t, ctx, chromedp.Navigate(address), chromedp.WaitReady(chromedp.CSS(selector)))
	text, err := chromedp.Run(ctx, chromedp.TextContent(chromedp.CSS(selector)))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// attack is a page that tries what a hostile script's page would. What each
// attempt came to stands in the element "results", as JSON.
const attack = `<!doctype html><title>attack</title><pre id="results"></pre><iframe id="frame" src="CONTROL/_/"></iframe>
<script>
const control = "CONTROL";
const tried = {};
const attempt = async (name, f) => {
  try { tried[name] = "did: " + String(await f()).slice(0, 200); } catch (e) { tried[name] = "failed: " + e.name; }
};
(async () => {
  await attempt("read cookies", () => document.cookie);
  await attempt("write a cookie", () => { document.cookie = "picloud_session=stolen; path=/"; return document.cookie; });
  await attempt("local storage", () => { localStorage.setItem("a", "b"); return localStorage.getItem("a"); });
  await attempt("session storage", () => { sessionStorage.setItem("a", "b"); return sessionStorage.getItem("a"); });
  await attempt("databases", () => new Promise((yes, no) => { const r = indexedDB.open("a"); r.onsuccess = () => yes("opened"); r.onerror = () => no(r.error); }));
  await attempt("caches", () => caches.open("a"));
  await attempt("service worker", () => navigator.serviceWorker.register("worker"));
  await attempt("read the API", async () => (await fetch(control + "/api/v1/whoami", { credentials: "include" })).text());
  await attempt("write by the API", async () => (await fetch(control + "/api/v1/apps", { method: "POST", credentials: "include", headers: { "content-type": "application/json" }, body: '{"slug":"stolen"}' })).text());
  await attempt("write blindly", async () => (await fetch(control + "/api/v1/apps", { method: "POST", mode: "no-cors", credentials: "include", body: '{"slug":"stolen"}' })).type);
  await attempt("read the frame", () => document.getElementById("frame").contentDocument.body.innerHTML);
  await attempt("open and read", async () => { const w = window.open(control + "/_/"); await new Promise(r => setTimeout(r, 500)); return w.document.body.innerHTML; });
  await attempt("origin", () => self.origin);
  const results = document.getElementById("results");
  results.textContent = JSON.stringify(tried);
  results.className = "done";
})();
</script>`

// quote makes a Rhai string of text.
func quote(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(b))
}

func results(t *testing.T, ctx context.Context, address string) map[string]string {
	t.Helper()
	text := open(t, ctx, address, "#results.done")
	found := map[string]string{}
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return found
}

func TestAScriptsPageCannotActAsItsVisitor(t *testing.T) {
	p := start(t)
	p.deploy("attack", "html("+quote(strings.ReplaceAll(attack, "CONTROL", p.control("")))+")")
	p.deploy("worker", `response(200).header("content-type", "text/javascript").header("service-worker-allowed", "/").body("self.onfetch = () => {}")`)
	p.deploy("headers", "request.headers")
	p.deploy("form", "html("+quote(`<!doctype html><title>form</title><body class=form><form id="f" method="post" action="`+p.control("/_/logout")+`"></form><script>document.getElementById("f").submit()</script>`)+")")
	ctx := browse(t)

	// The owner signs in as people do.
	do(t, ctx, chromedp.Navigate(p.control("/_/login")),
		chromedp.SendKeys(chromedp.CSS("#username"), username),
		chromedp.SendKeys(chromedp.CSS("#password"), password),
		chromedp.Click(chromedp.CSS("button")),
		chromedp.WaitReady(chromedp.CSS(`form[action="/_/logout"]`)))
	signedIn := func() {
		t.Helper()
		if home := open(t, ctx, p.control("/_/"), "main"); !strings.Contains(home, "Signed in as "+username) {
			t.Errorf("the owner is not signed in; the page says %q", home)
		}
	}
	signedIn()

	t.Run("on the control host", func(t *testing.T) {
		got := results(t, ctx, p.control("/demo/attack"))
		want := map[string]string{
			"read cookies": "failed: SecurityError", "write a cookie": "failed: SecurityError",
			"local storage": "failed: SecurityError", "session storage": "failed: SecurityError",
			"databases": "failed: SecurityError", "caches": "failed: SecurityError",
			"service worker": "failed: SecurityError",
			"read the API":   "failed: TypeError", "write by the API": "failed: TypeError",
			"write blindly":  "did: opaque", // sent, and refused: see the apps below
			"read the frame": "failed: TypeError",
			"open and read":  "failed: SecurityError",
			"origin":         "did: null",
		}
		for name, outcome := range want {
			if got[name] != outcome {
				t.Errorf("%s: %q, want %q", name, got[name], outcome)
			}
		}
		if apps := p.apps(); apps != "demo" {
			t.Errorf("the apps are now %q", apps)
		}
		signedIn()
	})

	t.Run("scripts do not see the session", func(t *testing.T) {
		text := open(t, ctx, p.control("/demo/headers"), "body")
		if !strings.Contains(text, "user-agent") || strings.Contains(text, "picloud") || strings.Contains(text, "pics_") {
			t.Errorf("the script saw %s", text)
		}
	})

	t.Run("a form cannot sign the owner out", func(t *testing.T) {
		if text := open(t, ctx, p.control("/demo/form"), "body:not(.form)"); !strings.Contains(text, "another site") {
			t.Errorf("the form was answered with %q, want a refusal", text)
		}
		signedIn()
	})

	t.Run("on the app's own host", func(t *testing.T) {
		got := results(t, ctx, p.own("/attack"))
		// Its own storage is the app's, and everything of the control plane is foreign.
		own := func(path string) string { u, _ := url.Parse(p.own(path)); return u.Scheme + "://" + u.Host }
		want := map[string]string{
			"read cookies":  "did: ",
			"local storage": "did: b", "session storage": "did: b", "databases": "did: opened",
			"read the API": "failed: TypeError", "write by the API": "failed: TypeError",
			"read the frame": "failed: TypeError", "open and read": "failed: SecurityError",
			"origin": "did: " + own(""),
		}
		for name, outcome := range want {
			if got[name] != outcome {
				t.Errorf("%s: %q, want %q", name, got[name], outcome)
			}
		}
		if apps := p.apps(); apps != "demo" {
			t.Errorf("the apps are now %q", apps)
		}
		text := open(t, ctx, p.own("/headers"), "body")
		if strings.Contains(text, "pics_") {
			t.Errorf("the session's cookie reached the app's host: %s", text)
		}
		signedIn()
	})
}
