package manager_test

import (
	"strings"
	"testing"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/value"
)

func TestQueues(t *testing.T) { onBoth(t, manageQueues) }

func manageQueues(t *testing.T, in *instance) {
	owner := in.as(in.owner())
	app, _ := in.deployed("demo")
	const all = "/apps/demo/queues"
	owner("GET", all, nil).want(200).holds("items", 0)
	owner("GET", all+"/emails", nil).want(404).says(`demo has no queue "emails"`, "")
	owner("DELETE", all+"/emails", nil).want(404)
	owner("GET", all+"/emails/messages", nil).want(404)

	// A queue needs no creating.
	r := owner("POST", all+"/emails/messages", object{"payload": object{"to": "ada", "n": 1.5}}).want(202)
	first := r.str("id")
	if r.at("sent") != true || first == "" {
		t.Errorf("sent: %s", r.body)
	}
	m, err := in.store.Message(t.Context(), app.ID, first)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := value.Decode(m.Payload, nil); err != nil || v.String() != `#{"n": 1.5, "to": "ada"}` || m.Depth != 1 || m.Source != "emails" {
		t.Errorf("the message is %+v with %v, %v", m, v, err)
	}
	owner("POST", all+"/emails/messages", object{"delay": 60.5, "idempotency_key": "k"}).want(202)
	if r := owner("POST", all+"/emails/messages", object{"idempotency_key": "k"}).want(202); r.at("sent") != false || r.at("id") != nil {
		t.Errorf("sent again: %s", r.body)
	}
	owner("POST", all+"/emails/messages", object{"idempotency_key": "a\x00b"}).want(422).says("contains U+0000", "body.idempotency_key")
	owner("POST", all+"/emails/messages", object{"idempotency_key": strings.Repeat("é", 129)}).want(422).says("258 bytes", "body.idempotency_key")
	for _, id := range []string{"", "a\x00b"} {
		owner("POST", all+"/emails/purge", object{"ids": []string{id}}).want(422).says("ID 1 of the messages", "")
		owner("POST", all+"/emails/redrive", object{"ids": []string{id}}).want(422).says("ID 1 of the messages", "")
	}
	if r := owner("GET", all, nil).want(200); r.str("items.0.name") != "emails" || r.at("items.0.consumer") != nil || r.num("items.0.state.ready") != 1 || r.num("items.0.state.delayed") != 1 {
		t.Errorf("the queues: %s", r.body)
	}
	if r := owner("GET", all+"/emails/messages?state=delayed", nil).want(200).holds("items", 1); r.str("items.0.type") != "()" {
		t.Errorf("the delayed one: %s", r.body)
	}

	r = owner("PUT", all+"/emails", object{"script": "hello", "batch_size": 10}).want(201)
	for field, want := range map[string]any{
		"name": "emails", "consumer.script": "hello", "consumer.batch_size": 10.0, "consumer.concurrency": 4.0, "state.ready": 1.0,
	} {
		if got := r.at(field); got != want {
			t.Errorf("%s is %v, want %v", field, got, want)
		}
	}
	owner("PUT", all+"/emails", object{"script": "hello"}).want(200)
	owner("PUT", all+"/audit", object{"script": "hello"}).want(201)
	if r := owner("GET", all+"?limit=1", nil).want(200); r.str("items.0.name") != "audit" || r.str("next") != "audit" {
		t.Errorf("first page: %s", r.body)
	}
	if r := owner("GET", all+"?after=audit", nil).want(200).holds("items", 1); r.str("items.0.name") != "emails" {
		t.Errorf("last page: %s", r.body)
	}
	owner("DELETE", "/apps/demo/scripts/hello", nil).want(409).says(`the queue "audit", the queue "emails"`, "")

	for body, want := range map[string]string{
		`{}`: "body", `{"script":""}`: "body.script", `{"script":"none"}`: "body.script", `{"script":"hello","max_attempts":101}`: "body.max_attempts",
	} {
		owner("PUT", all+"/emails", body).want(422).says("", want)
	}
	owner("PUT", all+"/emails", `{"script":"hello","backoff_ms":1e300}`).want(422).says("1e300 of backoff_ms is no integer of 64 bits", "body")
	owner("PUT", all+"/Emails", object{"script": "hello"}).want(422).says("", "path.name")
	owner("POST", all+"/Emails/messages", object{}).want(422).says("", "path.name")
	owner("POST", all+"/emails/messages", object{"delay": -1}).want(422).says("", "body.delay")
	owner("POST", all+"/emails/messages", object{"delay": 4e7}).want(422).says("body.delay: expected number <= 31536000", "body.delay")
	owner("POST", all+"/emails/messages", object{"payload": strings.Repeat("x", 1<<20)}).want(422).says("more than 1048576 bytes", "body.payload")

	// Without its consumer the queue keeps what waits.
	owner("DELETE", all+"/emails", nil).want(204)
	if r := owner("GET", all+"/emails", nil).want(200); r.at("consumer") != nil || r.num("state.ready") != 1 {
		t.Errorf("released: %s", r.body)
	}
	owner("PUT", all+"/emails/pause", nil).want(204)
	if s, err := in.store.Channel(t.Context(), store.Channel{AppID: app.ID, Kind: store.ChannelQueue, Name: "emails"}, in.clock.now()); err != nil || !s.Paused {
		t.Errorf("paused: %+v, %v", s, err)
	}
	// A program that has found nothing to delete deletes nothing.
	for _, verb := range []string{"/emails/purge", "/emails/redrive"} {
		for _, nothing := range []object{{}, {"ids": []string{}}, {"ids": nil}, {"all": false}} {
			owner("POST", all+verb, nothing).want(422).says("name at least one message in ids, or give all: true", "body.ids")
		}
		owner("POST", all+verb, object{"ids": []string{first}, "all": true}).want(422).says("not both", "body.ids")
		owner("POST", all+verb, object{"ids": []string{first, ""}}).want(422).says("body.ids: ID 2 of the messages is empty", "body.ids")
		owner("POST", all+verb, object{"ids": []string{}, "all": true}).want(422).says("not both", "body.ids")
	}
	if r := owner("POST", all+"/emails/purge", object{"ids": []string{first}}).want(200); r.num("count") != 1 {
		t.Errorf("purged: %s", r.body)
	}
}
