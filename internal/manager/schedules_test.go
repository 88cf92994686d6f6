package manager_test

import (
	"testing"
	"time"

	"github.com/picloud/picloud/internal/store"
)

func TestSchedules(t *testing.T) { onBoth(t, manageSchedules) }

// The instance's clock shows 2026-05-04T03:02:01Z, a Monday.
func manageSchedules(t *testing.T, in *instance) {
	owner := in.as(in.owner())
	app, _ := in.deployed("demo")
	const all = "/apps/demo/schedules"
	owner("GET", all, nil).want(200).holds("items", 0)
	owner("GET", all+"/report", nil).want(404).says(`demo has no schedule "report"`, "")
	owner("DELETE", all+"/report", nil).want(404)
	owner("POST", all+"/report/run", nil).want(404)
	owner("PUT", all+"/report/pause", nil).want(404)

	r := owner("PUT", all+"/report", object{"cron": "30 2 * * *", "timezone": "Europe/Berlin", "script": "hello", "jitter_ms": 60_000, "max_attempts": 2}).want(201).holds("next", 5)
	for field, want := range map[string]any{
		"name": "report", "cron": "30 2 * * *", "timezone": "Europe/Berlin", "script": "hello", "overlap": "skip", "catch_up": "one", "jitter_ms": 60_000.0,
		"max_attempts": 2.0, "concurrency": 1.0, "batch_size": 1.0, "state.ready": 0.0, "state.paused": false, "last_at": nil, "skipped_at": nil,
		"next.0": "2026-05-05T02:30:00+02:00", "next.4": "2026-05-09T02:30:00+02:00",
	} {
		if got := r.at(field); got != want {
			t.Errorf("%s is %v, want %v", field, got, want)
		}
	}
	r = owner("PUT", all+"/poll", object{"cron": "@every 90s", "script": "hello", "overlap": "allow", "catch_up": "none"}).want(201)
	if r.str("next.0") != "2026-05-04T03:03:31Z" || r.str("timezone") != "UTC" || r.num("concurrency") != 4 {
		t.Errorf("poll: %s", r.body)
	}
	if r := owner("GET", all+"?limit=1", nil).want(200); r.str("items.0.name") != "poll" || r.str("next") != "poll" {
		t.Errorf("first page: %s", r.body)
	}
	if r := owner("GET", all+"?after=poll", nil).want(200).holds("items", 1); r.str("items.0.name") != "report" {
		t.Errorf("last page: %s", r.body)
	}
	if r := owner("GET", "/apps/demo/deployments", nil).want(200); r.str("items.0.note") != "schedule poll: @every 90s for hello" {
		t.Errorf("the deployments: %s", r.body)
	}

	for body, want := range map[string]struct{ says, at string }{
		`{"script":"hello"}`:                                                            {"", "body"},
		`{"cron":"","script":"hello"}`:                                                  {"the schedule is empty", "body.cron"},
		`{"cron":"0 0 3 * * *","script":"hello"}`:                                       {"without seconds", "body.cron"},
		`{"cron":"61 * * * *","script":"hello"}`:                                        {"61 is not between 0 and 59", "body.cron"},
		`{"cron":"0 0 30 2 *","script":"hello"}`:                                        {"never comes", "body.cron"},
		`{"cron":"@every 1ms","script":"hello"}`:                                        {"between 1s and", "body.cron"},
		`{"cron":"@daily","script":"hello","timezone":"Mars/Base"}`:                     {`no time zone "Mars/Base"`, "body.timezone"},
		`{"cron":"@daily","script":"hello","overlap":"wait"}`:                           {"skip, queue or allow", "body.overlap"},
		`{"cron":"@daily","script":"hello","catch_up":"all"}`:                           {"one or none", "body.catch_up"},
		`{"cron":"@daily","script":"hello","jitter_ms":-1}`:                             {"between 0 and 24h", "body.jitter_ms"},
		`{"cron":"@hourly","script":"hello","jitter_ms":3600000}`:                       {"shorter than the shortest time between two runs, which is 1h", "body.jitter_ms"},
		`{"cron":"@daily","script":"hello","concurrency":2}`:                            {"once at a time unless its overlap policy is allow", "body.concurrency"},
		`{"cron":"@daily","script":"hello","concurrency":1000,"overlap":"allow"}`:       {"at most 256", "body.concurrency"},
		`{"cron":"@daily","script":"hello","batch_size":2}`:                             {"one at a time", "body.batch_size"},
		`{"cron":"@daily","script":"hello","visibility_timeout_ms":1}`:                  {"at least 1000", "body.visibility_timeout_ms"},
		`{"cron":"@daily","script":""}`:                                                 {"must name the script", "body.script"},
		`{"cron":"@daily","script":"none"}`:                                             {`no script "none" in demo`, "body.script"},
		`{"cron":"@daily","script":"hello","jitter_ms":9223372036854775807}`:            {"between 0 and 24h", "body.jitter_ms"},
		`{"cron":"@daily","script":"hello","timezone":"../../../../../etc/passwd"}`:     {"no time zone", "body.timezone"},
		`{"cron":"@daily","script":"hello","timezone":"Europe/Berlin\u0000"}`:           {"no time zone", "body.timezone"},
		`{"cron":"CRON_TZ=Europe/Berlin @daily","script":"hello","timezone":"Etc/UTC"}`: {"give it as the schedule's time zone", "body.cron"},
	} {
		owner("PUT", all+"/report", body).want(422).says(want.says, want.at)
	}
	owner("PUT", all+"/Report", object{"cron": "@daily", "script": "hello"}).want(422).says("", "path.name")

	// Other settings leave its state alone, other times begin it anew.
	state := func() store.ScheduleState {
		x, err := in.store.Schedule(t.Context(), app.ID, "report")
		if err != nil {
			t.Fatal(err)
		}
		return x.ScheduleState
	}
	before := state()
	in.clock.advance(time.Hour)
	owner("PUT", all+"/report", object{"cron": "30 2 * * *", "timezone": "Europe/Berlin", "script": "hello", "overlap": "queue"}).want(200)
	if state() != before {
		t.Errorf("with another overlap policy the state is %v, was %v", state(), before)
	}
	owner("PUT", all+"/report", object{"cron": "30 4 * * *", "timezone": "Europe/Berlin", "script": "hello"}).want(200)
	if got := state().Cursor; !got.Equal(in.clock.now()) {
		t.Errorf("at other times it begins at %s", got)
	}

	// Run now, also while it is paused.
	if r := owner("PUT", all+"/report/pause", nil).want(200).holds("next", 0); r.at("state.paused") != true {
		t.Errorf("paused: %s", r.body)
	}
	id := owner("POST", all+"/report/run", nil).want(202).str("event_id")
	r = owner("GET", all+"/report/messages", nil).want(200).holds("items", 1)
	if r.str("items.0.id") != id || r.str("items.0.source") != "report" || r.at("items.0.payload.manual") != true || r.num("items.0.payload.missed") != 0 ||
		r.num("items.0.payload.scheduled") != float64(in.clock.now().UnixMilli()) || r.str("items.0.payload.local") != "2026-05-04T06:02:01+02:00" {
		t.Errorf("the message: %s", r.body)
	}
	in.clock.advance(48 * time.Hour)
	if r := owner("DELETE", all+"/report/pause", nil).want(200).holds("next", 5); r.at("state.paused") != false || r.num("state.ready") != 1 || r.str("next.0") != "2026-05-07T04:30:00+02:00" {
		t.Errorf("resumed: %s", r.body)
	}
	if got := state().Cursor; !got.Equal(in.clock.now()) {
		t.Errorf("what came meanwhile is made up for: %s", got)
	}
	for range store.MaxScheduleBacklog - 1 {
		owner("POST", all+"/report/run", nil).want(202)
	}
	owner("POST", all+"/report/run", nil).want(409).says("100 runs of report wait already", "")

	// The script stays while it is needed; nothing is left behind.
	owner("DELETE", "/apps/demo/scripts/hello", nil).want(409).says(`hello runs for the schedule "poll", the schedule "report": remove these first`, "")
	owner("PUT", all+"/report/pause", nil).want(200)
	owner("DELETE", all+"/report", nil).want(204)
	owner("GET", all+"/report", nil).want(404)
	owner("GET", all+"/report/messages", nil).want(404)
	if r := owner("PUT", all+"/report", object{"cron": "@daily", "script": "hello"}).want(201); r.at("state.paused") != false || r.num("state.ready") != 0 {
		t.Errorf("made anew: %s", r.body)
	}
}
