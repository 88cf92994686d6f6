package manager_test

import (
	"testing"
	"time"

	"github.com/picloud/picloud/internal/store"
)

func TestUsage(t *testing.T) { onBoth(t, manageUsage) }

func manageUsage(t *testing.T, in *instance) {
	owner := in.as(in.owner())
	app, _ := in.deployed("demo")
	in.store.SetQuota(store.Quota{Messages: 2, Bytes: 1000, Kept: 5})
	owner("PUT", "/apps/demo/kv/entry?key=a", object{"value": "x"}).want(200)
	for _, want := range []int{202, 202, 507} {
		owner("POST", "/apps/demo/queues/emails/messages", object{"payload": "hello"}).want(want)
	}
	owner("POST", "/apps/demo/queues/emails/messages", object{"payload": "hello"}).want(507).says("at most 2 may", "")
	owner("PUT", "/apps/demo/subscriptions/s", object{"pattern": ">", "script": "hello"}).want(201)
	owner("POST", "/apps/demo/topics/t/events", object{"payload": 1}).want(507).says("at most 2 may", "")
	owner("PUT", "/apps/demo/kv-triggers/k", object{"prefix": "", "script": "hello"}).want(201)
	owner("PUT", "/apps/demo/kv/entry?key=b", object{"value": "x"}).want(507).says("at most 2 may", "")
	owner("PUT", "/apps/demo/schedules/s", object{"cron": "0 3 * * *", "script": "hello"}).want(201)
	owner("POST", "/apps/demo/schedules/s/run", nil).want(507)
	r := owner("GET", "/apps/demo/usage", nil).want(200)
	for path, want := range map[string]float64{
		"kv.count": 1, "messages.count": 2, "requests.count": 0, "dead_letters.count": 0, "dead_letters.dropped": 0, "answers.count": 0, "channels.count": 1,
	} {
		if got := r.num(path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	if r.num("messages.bytes") <= 0 || r.num("kv.bytes") <= 0 {
		t.Errorf("the bytes: %s", r.body)
	}
	u, err := in.store.MessageUsage(t.Context(), app.ID)
	if err != nil || u.Messages != 2 || float64(u.Bytes) != r.num("messages.bytes") {
		t.Errorf("%+v, %v", u, err)
	}
}

// What is left of a removed subscription reaches no later one of its name.
func TestRemovedSubscription(t *testing.T) { onBoth(t, removeSubscription) }

func removeSubscription(t *testing.T, in *instance) {
	owner := in.as(in.owner())
	app, _ := in.deployed("demo")
	owner("PUT", "/apps/demo/subscriptions/s", object{"pattern": ">", "script": "hello"}).want(201)
	owner("POST", "/apps/demo/topics/t/events", object{"payload": 1}).want(202)
	owner("POST", "/apps/demo/topics/t/events", object{"payload": 2}).want(202)
	owner("PUT", "/apps/demo/subscriptions/s/pause", nil).want(204)
	owner("DELETE", "/apps/demo/subscriptions/s/pause", nil).want(204)
	list, _, err := in.store.Claim(t.Context(), store.Claim{
		Channel: store.Channel{AppID: app.ID, Kind: store.ChannelTopic, Name: "s"}, Max: 1, Lease: time.Minute, Owner: "node", Boot: "boot", At: in.clock.now(),
	})
	if err != nil || len(list) != 1 {
		t.Fatalf("claimed %v, %v", list, err)
	}
	owner("DELETE", "/apps/demo/subscriptions/s", nil).want(204)
	// The handler that was at work fails now.
	if err := in.store.Return(t.Context(), list[0].Lease, []store.Returned{{ID: list[0].ID, DueAt: in.clock.now(), Failed: true, Error: "no"}}, in.clock.now()); err != nil {
		t.Fatal(err)
	}
	owner("PUT", "/apps/demo/subscriptions/s", object{"pattern": ">", "script": "hello"}).want(201)
	owner("GET", "/apps/demo/subscriptions/s/messages", nil).want(200).holds("items", 0)
}
