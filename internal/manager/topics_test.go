package manager_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/value"
	"github.com/picloud/picloud/rhai"
)

func TestTopics(t *testing.T) { onBoth(t, manageTopics) }

func manageTopics(t *testing.T, in *instance) {
	owner := in.as(in.owner())
	app, _ := in.deployed("demo")
	const all = "/apps/demo/subscriptions"
	owner("GET", all, nil).want(200).holds("items", 0)
	owner("GET", all+"/mail", nil).want(404).says(`demo has no subscription "mail"`, "")
	owner("DELETE", all+"/mail", nil).want(404)

	r := owner("PUT", all+"/mail", object{"pattern": "orders.*", "script": "hello", "concurrency": 2, "backoff_ms": 5}).want(201)
	for field, want := range map[string]any{
		"name": "mail", "pattern": "orders.*", "script": "hello", "concurrency": 2.0, "backoff_ms": 5.0, "batch_size": 1.0, "max_attempts": 5.0, "state.ready": 0.0, "state.paused": false,
	} {
		if got := r.at(field); got != want {
			t.Errorf("%s is %v, want %v", field, got, want)
		}
	}
	owner("PUT", all+"/mail", object{"pattern": "orders.>", "script": "hello"}).want(200)
	owner("PUT", all+"/journal", object{"pattern": ">", "script": "hello"}).want(201)
	if r := owner("GET", all+"?limit=1", nil).want(200); r.str("items.0.name") != "journal" || r.str("next") != "journal" {
		t.Errorf("first page: %s", r.body)
	}
	if r := owner("GET", all+"?after=journal", nil).want(200); r.str("items.0.pattern") != "orders.>" || r.num("items.0.concurrency") != 4 {
		t.Errorf("last page: %s", r.body)
	}
	if r := owner("GET", "/apps/demo/deployments", nil).want(200); r.str("items.0.note") != "subscription journal: > to hello" {
		t.Errorf("the deployments: %s", r.body)
	}

	if r := owner("GET", "/apps/demo/deployments/5", nil).want(200); r.str("triggers.0.kind") != "topic" || r.str("triggers.0.name") != "journal" || r.str("triggers.1.on") != "orders.>" || r.str("triggers.1.script") != "hello" {
		t.Errorf("the deployment: %s", r.body)
	}

	for body, want := range map[string]string{
		`{"script":"hello"}`: "body", `{"pattern":"a..b","script":"hello"}`: "body.pattern", `{"pattern":"a.>.b","script":"hello"}`: "body.pattern",
		`{"pattern":"a"}`: "body", `{"pattern":"a","script":""}`: "body.script", `{"pattern":"a","script":"none"}`: "body.script",
		`{"pattern":"a","script":"hello","concurrency":1000}`: "body.concurrency", `{"pattern":"a","script":"hello","visibility_timeout_ms":1}`: "body.visibility_timeout_ms",
	} {
		owner("PUT", all+"/mail", body).want(422).says("", want)
	}
	owner("PUT", all+"/Mail", object{"pattern": "a", "script": "hello"}).want(422).says("", "path.name")

	publish := func(topic, body string) *reply { return owner("POST", "/apps/demo/topics/"+topic+"/events", body) }
	r = publish("orders.paid", `{"payload": {"id": 7, "price": 1.5}}`).want(202)
	if r.str("topic") != "orders.paid" || r.str("deliveries.0.subscription") != "journal" || r.str("deliveries.1.subscription") != "mail" {
		t.Errorf("published: %s", r.body)
	}
	nextMillisecond()
	publish("orders.sent", `{}`).want(202)
	publish("users", `{"payload": "x"}`).want(202).holds("deliveries", 1)
	publish("orders.*", `{}`).want(422).says("no wildcards", "path.topic")
	publish("orders", `{"payload": `+strings.Repeat("[", 300)+strings.Repeat("]", 300)+`}`).want(422).says("deeper", "body.payload")
	publish("orders", fmt.Sprintf(`{"payload": "%s"}`, strings.Repeat("x", 1<<20))).want(422).says("more than 1048576 bytes", "body.payload")

	messages := func(more string) *reply { return owner("GET", all+"/mail/messages"+more, nil) }
	r = messages("?limit=1").want(200)
	if r.str("items.0.source") != "orders.paid" || r.str("items.0.state") != "ready" || r.str("items.0.type") != "map" || r.num("items.0.payload.price") != 1.5 || r.str("next") == "" {
		t.Errorf("the first message: %s", r.body)
	}
	if r := messages("?after=" + r.str("next")).want(200); r.str("items.0.source") != "orders.sent" || r.str("items.0.type") != "()" {
		t.Errorf("the second message: %s", r.body)
	}
	messages("?state=lost").want(422)
	owner("GET", all+"/none/messages", nil).want(404)

	// A message that has used up its attempts.
	mail := store.Channel{AppID: app.ID, Kind: store.ChannelTopic, Name: "mail"}
	claimed, _, err := in.store.Claim(t.Context(), store.Claim{Channel: mail, Max: 1, Lease: 1e9, Owner: "node", Boot: "boot", At: in.clock.now()})
	if err != nil || len(claimed) != 1 {
		t.Fatal(claimed, err)
	}
	dead := claimed[0]
	err = in.store.Return(t.Context(), dead.Lease, []store.Returned{{ID: dead.ID, DueAt: in.clock.now(), Failed: true, Dead: true, Error: "no such mailbox"}}, in.clock.now())
	if err != nil {
		t.Fatal(err)
	}
	if r := messages("?state=dead").want(200); r.str("items.0.last_error") != "no such mailbox" || r.num("items.0.attempts") != 1 || r.str("items.0.dead_at") == "" {
		t.Errorf("the dead letter: %s", r.body)
	}
	if r := owner("GET", all+"/mail", nil).want(200); r.num("state.dead") != 1 || r.num("state.ready") != 1 {
		t.Errorf("mail: %s", r.body)
	}
	if r := owner("POST", all+"/mail/redrive", object{"ids": []string{dead.ID}}).want(200); r.num("count") != 1 {
		t.Errorf("redriven: %s", r.body)
	}
	if r := owner("POST", all+"/mail/redrive", object{"all": true}).want(200); r.num("count") != 0 {
		t.Errorf("redriven again: %s", r.body)
	}
	owner("PUT", all+"/mail/pause", nil).want(204)
	if r := owner("GET", all+"/mail", nil).want(200); r.at("state.paused") != true {
		t.Errorf("paused: %s", r.body)
	}
	owner("DELETE", all+"/mail/pause", nil).want(204)
	if r := owner("POST", all+"/mail/purge", object{"dead": true, "all": true}).want(200); r.num("count") != 0 {
		t.Errorf("purged: %s", r.body)
	}
	if r := owner("POST", all+"/mail/purge", object{"all": true}).want(200); r.num("count") != 2 {
		t.Errorf("purged: %s", r.body)
	}
	owner("PUT", all+"/none/pause", nil).want(404)
	owner("POST", all+"/none/purge", object{"all": true}).want(404)

	// The script stays while it is needed.
	owner("DELETE", "/apps/demo/scripts/hello", nil).want(409).says(`hello runs for the subscription "journal", the subscription "mail": remove these first`, "")

	// Nothing of a subscription is left behind.
	publish("orders.paid", `{}`).want(202)
	owner("DELETE", all+"/mail", nil).want(204)
	owner("GET", all+"/mail", nil).want(404)
	messages("").want(404)
	owner("PUT", all+"/mail", object{"pattern": "orders.*", "script": "hello"}).want(201)
	messages("").want(200).holds("items", 0)
}

// nextMillisecond lets the next message stand behind those sent before: their
// order is that of the milliseconds in which they were sent.
func nextMillisecond() {
	for first := store.FirstID(time.Now()); store.FirstID(time.Now()) == first; {
	}
}

func TestKVTriggers(t *testing.T) { onBoth(t, manageKVTriggers) }

func manageKVTriggers(t *testing.T, in *instance) {
	owner := in.as(in.owner())
	app, _ := in.deployed("demo")
	const all = "/apps/demo/kv-triggers"
	owner("GET", all+"/index", nil).want(404).says(`demo has no KV trigger "index"`, "")
	r := owner("PUT", all+"/index", object{"prefix": "order/", "script": "hello", "max_attempts": 3}).want(201)
	if r.str("prefix") != "order/" || r.num("max_attempts") != 3 || r.str("script") != "hello" {
		t.Errorf("created: %s", r.body)
	}
	owner("PUT", all+"/every", object{"prefix": "", "script": "hello"}).want(201)
	owner("PUT", all+"/index", object{"prefix": "order/", "script": "hello"}).want(200)
	if r := owner("GET", all+"?limit=1", nil).want(200); r.str("items.0.name") != "every" || r.str("next") != "every" {
		t.Errorf("first page: %s", r.body)
	}
	if r := owner("GET", all+"?after=every", nil).want(200); r.str("items.0.name") != "index" {
		t.Errorf("last page: %s", r.body)
	}
	owner("PUT", all+"/index", object{"prefix": strings.Repeat("x", 513), "script": "hello"}).want(422).says("", "body.prefix")
	owner("PUT", all+"/index", object{"prefix": "x", "script": "none"}).want(422).says("", "body.script")
	owner("PUT", all+"/index", object{"prefix": "x", "script": "hello", "batch_size": -1}).want(422).says("", "body.batch_size")
	owner("PUT", all+"/-", object{"prefix": "x", "script": "hello"}).want(422).says("", "path.name")

	// A key that is changed by hand tells them as well.
	owner("PUT", "/apps/demo/kv/entry?key=order/7", object{"value": object{"n": 1}}).want(200)
	owner("PUT", "/apps/demo/kv/entry?key=user/7", object{"value": 1}).want(200)
	nextMillisecond()
	owner("DELETE", "/apps/demo/kv/entry?key=order/7", nil).want(204)
	r = owner("GET", all+"/index/messages", nil).want(200).holds("items", 2)
	if r.str("items.0.source") != "order/7" || r.str("items.0.payload.change") != "set" || r.num("items.0.payload.value.n") != 1 || r.str("items.1.payload.change") != "delete" {
		t.Errorf("the messages: %s", r.body)
	}
	if r := owner("GET", all+"/every", nil).want(200); r.num("state.ready") != 3 {
		t.Errorf("every: %s", r.body)
	}

	// The deepest value that can be stored is told of, too.
	deep := rhai.Int(1)
	for range value.MaxDepth {
		deep = rhai.Array([]rhai.Value{deep})
	}
	raw, err := value.Encode(deep)
	if err != nil {
		t.Fatal(err)
	}
	watch := store.WatchOf(&store.Manifest{KVTriggers: map[string]store.ManifestKVTrigger{"index": {}}}, 1)
	if _, err := in.store.Commit(t.Context(), store.Commit{AppID: app.ID, Watch: watch, At: in.clock.now(), Ops: []store.KVOp{{Kind: store.KVSet, Key: "deep", Value: raw}}}); err != nil {
		t.Fatal(err)
	}
	if r := owner("GET", all+"/index/messages", nil).want(200); r.str("items.2.source") != "deep" {
		t.Errorf("the deep one: %.200s", r.body)
	}

	owner("DELETE", all+"/index", nil).want(204)
	owner("GET", all+"/index/messages", nil).want(404)
	owner("DELETE", all+"/index", nil).want(404)
}

// What is left of a subscription, a KV trigger or a schedule that is no longer there
// does not reach the next of its name, and one that is refused takes nothing away.
func TestCreatedAnew(t *testing.T) { onBoth(t, createdAnew) }

func createdAnew(t *testing.T, in *instance) {
	owner := in.as(in.owner())
	app, _ := in.deployed("demo")
	for path, c := range map[string]struct {
		kind store.ChannelKind
		body object
	}{
		"/apps/demo/subscriptions/again": {store.ChannelTopic, object{"pattern": "x", "script": "hello"}},
		"/apps/demo/kv-triggers/again":   {store.ChannelKV, object{"prefix": "x", "script": "hello"}},
		"/apps/demo/schedules/again":     {store.ChannelSchedule, object{"cron": "@daily", "script": "hello"}},
		"/apps/demo/queues/again":        {store.ChannelQueue, object{"script": "hello"}},
	} {
		channel := store.Channel{AppID: app.ID, Kind: c.kind, Name: "again"}
		left := func(what string, want int64) {
			t.Helper()
			state, err := in.store.Channel(t.Context(), channel, in.clock.now())
			if err != nil || state.Ready != want {
				t.Errorf("%s, %s: %+v, %v; want %d messages", path, what, state, err, want)
			}
		}
		send := func() {
			t.Helper()
			now := in.clock.now()
			if _, err := in.store.Enqueue(t.Context(), store.Message{ID: store.NewIDAt(now), Channel: channel, Payload: []byte{0}, Depth: 1, CreatedAt: now, DueAt: now}); err != nil {
				t.Fatal(err)
			}
		}
		send()
		script := c.body["script"]
		c.body["script"] = "none"
		owner("PUT", path, c.body).want(422)
		left("refused", 1)
		c.body["script"] = script
		owner("PUT", path, c.body).want(201)
		if c.kind == store.ChannelQueue {
			left("of a queue", 1) // its messages wait for a consumer
			continue
		}
		left("created", 0)
		send()
		owner("PUT", path, c.body).want(200)
		left("changed", 1)
		owner("DELETE", path, nil).want(204)
		left("deleted", 0)
	}
}
