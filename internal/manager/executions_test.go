package manager_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/manager"
	"github.com/picloud/picloud/internal/store"
)

// deployed makes the app demo with the script hello, and returns both.
func (in *instance) deployed(slug string) (store.App, store.Script) {
	in.t.Helper()
	users, err := in.store.ListUsers(in.t.Context(), store.Page{Limit: 1})
	if err != nil {
		in.t.Fatal(err)
	}
	app := store.App{ID: store.NewID(), Slug: slug, ActiveDeployment: 1, CreatedAt: in.clock.now(), UpdatedAt: in.clock.now()}
	if err := in.store.CreateApp(in.t.Context(), app, users[0].ID); err != nil {
		in.t.Fatal(err)
	}
	made, err := in.store.DeployScript(in.t.Context(), store.DeployScript{
		AppID: app.ID, ScriptID: store.NewID(), Name: "hello", Source: "1", SourceHash: "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b",
		Endpoint: true, By: users[0].ID, At: in.clock.now(),
	})
	if err != nil {
		in.t.Fatal(err)
	}
	return app, made.Script
}

// runs gives executions IDs that sort as they were made.
var runs store.Sequence

func run(app store.App, script store.Script, status store.Status) store.Execution {
	at := time.Now().UTC().Truncate(time.Microsecond)
	return store.Execution{
		ID: runs.At(at), AppID: app.ID, ScriptID: script.ID, Script: script.Name, Version: 1, Deployment: 2, Trigger: "http",
		Status: status, Method: "GET", Path: "/demo/hello", HTTPStatus: 200, StartedAt: at, Duration: 1500 * time.Microsecond,
		Operations: 42, PeakMemory: 4096,
		Logs: []store.LogLine{{At: at, Level: "info", Source: "print", Line: 3, Column: 7, Message: "hi"}},
	}
}

func TestExecutions(t *testing.T) { onBoth(t, listExecutions) }

func listExecutions(t *testing.T, in *instance) {
	token := in.owner()
	get := func(path string) *reply { t.Helper(); return in.do(call{method: "GET", path: path, token: token}) }
	app, script := in.deployed("demo")
	other, otherScript := in.deployed("other")
	var ids []string
	for i := range 5 {
		e := run(app, script, store.StatusOK)
		if i == 3 {
			e.Status, e.Error, e.HTTPStatus = store.StatusError, "division by zero", 500
		}
		ids = append(ids, e.ID)
		in.rec.record(t, e)
	}
	in.rec.record(t, run(other, otherScript, store.StatusOK))

	r := get("/apps/demo/executions").want(200)
	items := r.at("items").([]any)
	if len(items) != 5 || r.str("items.0.id") != ids[4] || r.str("items.4.id") != ids[0] {
		t.Fatalf("list: %s", r.body)
	}
	if r.num("dropped") != 0 {
		t.Errorf("dropped: %s", r.body)
	}
	in.rec.dropped = map[string]int64{app.ID: 3}
	if r = get("/apps/demo/executions").want(200); r.num("dropped") != 3 {
		t.Errorf("dropped, want 3: %s", r.body)
	}
	if r = get("/apps/other/executions").want(200); r.num("dropped") != 0 {
		t.Errorf("another app's: %s", r.body)
	}
	r = get("/apps/demo/executions").want(200)
	if r.at("items.0.logs") != nil {
		t.Error("log lines nobody asked for")
	}
	if r.num("items.0.duration_us") != 1500 || r.num("items.0.operations") != 42 || r.num("items.0.peak_memory_bytes") != 4096 ||
		r.str("items.0.app") != "demo" || r.str("items.0.script") != "hello" || r.num("items.0.http_status") != 200 {
		t.Errorf("execution: %s", r.body)
	}
	if r = get("/apps/demo/executions?logs=true&limit=1").want(200); r.str("items.0.logs.0.message") != "hi" || r.num("items.0.logs.0.line") != 3 {
		t.Errorf("with logs: %s", r.body)
	}
	if r = get("/apps/demo/executions?status=error&script=hello").want(200); len(r.at("items").([]any)) != 1 || r.str("items.0.error") != "division by zero" {
		t.Errorf("failed ones: %s", r.body)
	}
	r = get("/apps/demo/executions?limit=2").want(200)
	if r = get("/apps/demo/executions?limit=2&before=" + r.str("next")).want(200); r.str("items.0.id") != ids[2] || r.str("next") != ids[1] {
		t.Errorf("second page: %s", r.body)
	}
	if r = get("/apps/demo/executions?after=" + ids[3]).want(200); len(r.at("items").([]any)) != 1 || r.str("items.0.id") != ids[4] {
		t.Errorf("after: %s", r.body)
	}
	get("/apps/demo/executions?status=fine").want(422)
	get("/apps/demo/executions?before=yesterday").want(422)
	get("/apps/demo/executions?limit=1000").want(422)
	get("/apps/demo/executions?script=unknown").want(404)
	get("/apps/unknown/executions").want(404)

	if r = get("/executions/" + ids[3]).want(200); r.str("logs.0.message") != "hi" || r.str("app") != "demo" {
		t.Errorf("execution: %s", r.body)
	}
	get("/executions/" + store.NewID()).want(404)
	get("/executions/nonsense").want(404)

	in.do(call{method: "DELETE", path: "/apps/demo?force=true", token: token}).want(204)
	get("/executions/" + ids[3]).want(404)
}

// follower reads a stream in the background.
type follower struct {
	got  chan client.Execution
	done chan error
	stop context.CancelFunc
}

func (in *instance) follow(token string, q client.ExecutionQuery) *follower {
	in.t.Helper()
	c, err := client.New(in.server.URL, client.WithToken(token))
	if err != nil {
		in.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(in.t.Context(), patience)
	in.t.Cleanup(cancel)
	f := &follower{got: make(chan client.Execution, 100), done: make(chan error, 1), stop: cancel}
	before, changed := in.rec.watching()
	go func() {
		f.done <- c.FollowExecutions(ctx, "demo", q, func(e client.Execution) error {
			f.got <- e
			return nil
		})
	}()
	for n := before; n == before; n, changed = in.rec.watching() {
		select {
		case err := <-f.done:
			in.t.Fatalf("the stream ended: %v", err)
		case <-changed:
		}
	}
	return f
}

func (f *follower) want(t *testing.T, ids ...string) {
	t.Helper()
	for _, id := range ids {
		select {
		case e := <-f.got:
			if e.ID != id || len(e.Logs) != 1 {
				t.Errorf("followed %s with %d log lines, want %s", e.ID, len(e.Logs), id)
			}
		case err := <-f.done:
			t.Fatalf("the stream ended: %v", err)
		}
	}
	select {
	case e := <-f.got:
		t.Errorf("followed %s too", e.ID)
	default:
	}
}

func TestFollowing(t *testing.T) {
	in := start(t)
	token := in.owner()
	app, script := in.deployed("demo")
	other, otherScript := in.deployed("other")
	slow := run(app, script, store.StatusOK) // starts first, and ends last
	old := run(app, script, store.StatusOK)
	in.rec.record(t, old)

	all := in.follow(token, client.ExecutionQuery{Script: "hello"})
	failed := in.follow(token, client.ExecutionQuery{Status: client.ExecutionStatusError})
	since := in.follow(token, client.ExecutionQuery{After: old.ID[:24] + "000000000000"})
	ok, bad := run(app, script, store.StatusOK), run(app, script, store.StatusError)
	in.rec.record(t, ok, run(other, otherScript, store.StatusError), bad)
	in.rec.record(t, slow)
	all.want(t, ok.ID, bad.ID, slow.ID)
	failed.want(t, bad.ID)
	_ = since
	if e := <-since.got; e.ID != old.ID {
		t.Errorf("the first after %s is %s", old.ID, e.ID)
	}

	in.manager.EndStreams()
	for _, f := range []*follower{all, failed, since} {
		if err := <-f.done; !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("a stream ended with %v", err)
		}
	}
	for { // handlers end after their clients
		n, changed := in.rec.watching()
		if n == 0 {
			break
		}
		<-changed
	}
}

func TestFollowingEndsWithTheRightTo(t *testing.T) {
	in := start(t, func(c *manager.Config) { c.Heartbeat = time.Millisecond })
	token := in.owner()
	in.deployed("demo")
	for name, end := range map[string]func(token string){
		"signed out": func(token string) { in.do(call{method: "DELETE", path: "/sessions/current", token: token}).want(204) },
		"the app is deleted": func(string) {
			in.do(call{method: "DELETE", path: "/apps/demo?force=true", token: token}).want(204)
			in.deployed("demo")
		},
	} {
		t.Run(name, func(t *testing.T) {
			own := in.signIn("ada", "correct horse")
			f := in.follow(own, client.ExecutionQuery{})
			end(own)
			if err := <-f.done; !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("the stream ended with %v", err)
			}
		})
	}
}

func TestFollowingTooSlowly(t *testing.T) {
	in := start(t)
	token := in.owner()
	app, script := in.deployed("demo")
	f := in.follow(token, client.ExecutionQuery{})
	batch := make([]store.Execution, 50_000)
	for i := range batch {
		batch[i] = run(app, script, store.StatusOK)
	}
	in.rec.tell(batch) // returns although nobody can have read that much
	n := 0
	for {
		select {
		case <-f.got:
			n++
			continue
		case err := <-f.done:
			if !errors.Is(err, io.ErrUnexpectedEOF) || n == 0 || n == len(batch) {
				t.Errorf("after %d executions the stream ended with %v", n, err)
			}
		}
		return
	}
}

func TestFollowingWhatOneMayNot(t *testing.T) {
	in := start(t)
	token := in.owner()
	in.deployed("demo")
	get := func(path, token string) *reply {
		return in.do(call{method: "GET", path: path, token: token})
	}
	get("/apps/demo/executions/stream", "").want(401)
	get("/apps/unknown/executions/stream", token).want(404)
	get("/apps/demo/executions/stream?script=unknown", token).want(404)
	get("/apps/demo/executions/stream?status=fine", token).want(422)
	get("/apps/demo/executions/stream?after=yesterday", token).want(422)
	get("/apps/demo/executions/stream", in.user("mallory", store.RoleMember)).want(403)
	if n, _ := in.rec.watching(); n != 0 {
		t.Errorf("%d refused streams are still watching", n)
	}
}

func TestEventsAreOneLine(t *testing.T) {
	in := start(t)
	token := in.owner()
	app, script := in.deployed("demo")
	f := in.follow(token, client.ExecutionQuery{})
	e := run(app, script, store.StatusOK)
	e.Logs[0].Message = "a\nb\r\nc\u2028d\n\ndata: {\"id\":\"forged\"}\n\n"
	in.rec.record(t, e)
	if got := <-f.got; got.ID != e.ID || got.Logs[0].Message != e.Logs[0].Message {
		data, _ := json.Marshal(got)
		t.Errorf("followed %s", data)
	}
	f.stop()
	if err := <-f.done; !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "forged") {
		t.Errorf("ended with %v", err)
	}
}
