// Package usage shows how much apps have and how much they may have.
package usage

import (
	"context"
	"net/http"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/manager/api"
	"github.com/picloud/picloud/internal/store"
)

// Used is how much there is of something, and how much there may be. An operator
// of the instance sets the latter.
type Used struct {
	Count    int64 `json:"count"`
	MaxCount int64 `json:"max_count,omitempty" doc:"Absent: no bound"`
	Bytes    int64 `json:"bytes"`
	MaxBytes int64 `json:"max_bytes,omitempty" doc:"Absent: no bound"`
}

// UsedDeadLetters is Used for dead letters.
type UsedDeadLetters struct {
	Used
	Dropped int64 `json:"dropped" doc:"How many, ever, went because there were too many"`
}

// UsedCount is Used for what has no size of its own.
type UsedCount struct {
	Count    int64 `json:"count"`
	MaxCount int64 `json:"max_count,omitempty" doc:"Absent: no bound"`
}

// AppUsage is what an app has.
type AppUsage struct {
	KV              Used            `json:"kv" doc:"Keys, and the bytes of keys and values, expired ones that are still there included"`
	Messages        Used            `json:"messages" doc:"Messages that wait or are worked on, and their payloads. What would exceed it is refused"`
	Requests        Used            `json:"requests" doc:"Asynchronous requests among the messages. What would exceed it is refused, so that strangers leave room for the app's own messages"`
	DeadLetters     UsedDeadLetters `json:"dead_letters" doc:"Failed asynchronous requests among them, which go first, and after a day at the latest. Of more the oldest go"`
	Answers         Used            `json:"answers" doc:"Answers to asynchronous requests. Of more the oldest go"`
	IdempotencyKeys UsedCount       `json:"idempotency_keys" doc:"Keys by which repetitions are known, each for 24 hours, and expired ones until they are swept. A message with one more is refused"`
	Channels        UsedCount       `json:"channels" doc:"Queues and other channels that have been used: those that hold messages, dead letters or idempotency keys, are paused, or have a consumer. Of more than may be, those that hold nothing go"`
}

// Config is what the operation needs.
type Config struct {
	Data    store.Data
	Quota   store.Quota
	KVBytes int64 // of each app
}

// Register adds the operation.
func Register(a *api.API, c Config) {
	api.Register(a, api.Op{
		ID: "getAppUsage", Method: http.MethodGet, Path: "/apps/{app}/usage", Tag: "apps", Action: auth.ViewApp,
		Summary: "Show how much an app has, and how much it may have",
	}, c.show)
}

type usageOutput struct{ Body AppUsage }

func (c Config) show(ctx context.Context, _ *api.AppPath) (*usageOutput, error) {
	app := api.App(ctx).ID
	kv, err := c.Data.KVUsage(ctx, app)
	if err != nil {
		return nil, err
	}
	u, err := c.Data.MessageUsage(ctx, app)
	if err != nil {
		return nil, err
	}
	q := c.Quota
	requests, requestBytes := q.MaxRequests()
	return &usageOutput{AppUsage{
		KV:              Used{Count: kv.Keys, Bytes: kv.Bytes, MaxBytes: c.KVBytes},
		Messages:        Used{u.Messages, q.Messages, u.Bytes, q.Bytes},
		Requests:        Used{u.Requests, requests, u.ReqBytes, requestBytes},
		DeadLetters:     UsedDeadLetters{Used{u.Dead, q.Kept, u.DeadBytes, q.KeptBytes}, u.Dropped},
		Answers:         Used{u.Answers, q.Kept, u.AnswerBytes, q.KeptBytes},
		Channels:        UsedCount{u.Channels, q.Channels},
		IdempotencyKeys: UsedCount{u.IdempotencyKeys, q.IdempotencyKeys},
	}}, nil
}
