// Package data shows and changes what an app's scripts keep with kv.
package data

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/manager/api"
	"github.com/picloud/picloud/internal/manager/channels"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/value"
)

// KVEntry is a key of an app with its value.
type KVEntry struct {
	Key       string          `json:"key"`
	Type      string          `json:"type" doc:"The value's type in Rhai" example:"map"`
	Value     json.RawMessage `json:"value" doc:"The value as JSON: a char is a string, a blob one in base64, a range its text, a float that is no number one of \"NaN\", \"Infinity\", \"-Infinity\""`
	Size      int64           `json:"size" doc:"Bytes that key and value take"`
	Version   int64           `json:"version" doc:"Of the last change"`
	ExpiresAt *time.Time      `json:"expires_at,omitempty" doc:"When the key goes by itself; absent: never"`
}

// SetKV is the new value of a key.
type SetKV struct {
	Value json.RawMessage `json:"value" doc:"Any JSON: a number without a fraction is an integer in Rhai, null is ()"`
	TTL   float64         `json:"ttl,omitempty" minimum:"0" maximum:"3153600000" doc:"Seconds after which the key goes by itself; 0: never"`
}

// Config is what the operations need.
type Config struct {
	KV       store.KV
	Store    channels.Store
	MaxBytes int64 // of each app
	Now      func() time.Time
}

// KeyInput names a key of an app.
type KeyInput struct {
	api.AppPath
	Key string `query:"key" required:"true" doc:"1 to 512 bytes of UTF-8"`
}

// Register adds the operations.
func Register(a *api.API, c Config) {
	s := &service{c}
	api.Register(a, api.Op{
		ID: "listKV", Method: http.MethodGet, Path: "/apps/{app}/kv", Tag: "kv", Action: auth.ViewData,
		Summary: "List an app's keys with their values", Description: "A page ends early when its values take 4 MiB.",
	}, s.list)
	api.Register(a, api.Op{
		ID: "getKV", Method: http.MethodGet, Path: "/apps/{app}/kv/entry", Tag: "kv", Action: auth.ViewData,
		Summary: "Show a key with its value",
	}, s.get)
	api.Register(a, api.Op{
		ID: "setKV", Method: http.MethodPut, Path: "/apps/{app}/kv/entry", Tag: "kv", Action: auth.ChangeData,
		Summary: "Set a key", MaxBody: 2 * store.MaxKVValue, Errors: []int{http.StatusInsufficientStorage},
	}, s.set)
	api.Register(a, api.Op{
		ID: "deleteKV", Method: http.MethodDelete, Path: "/apps/{app}/kv/entry", Tag: "kv", Action: auth.ChangeData,
		Summary: "Delete a key", Status: http.StatusNoContent,
	}, s.delete)
	registerTriggers(a, c)
}

type service struct{ Config }

func of(e store.KVEntry) (KVEntry, error) {
	v, err := value.Decode(e.Value, nil)
	if err != nil {
		return KVEntry{}, err
	}
	shown := KVEntry{Key: e.Key, Type: v.TypeName(), Value: value.JSON(v), Size: int64(len(e.Key) + len(e.Value)), Version: e.Version}
	if !e.ExpiresAt.IsZero() {
		shown.ExpiresAt = &e.ExpiresAt
	}
	return shown, nil
}

type listOutput struct{ Body api.List[KVEntry] }

func (s *service) list(ctx context.Context, in *struct {
	api.AppPath
	Prefix string `query:"prefix" maxLength:"512" doc:"Only keys that begin with this"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"How many items to answer at most"`
	After  string `query:"after" maxLength:"512" doc:"The next of the page before"`
},
) (*listOutput, error) {
	entries, more, err := s.KV.KVList(ctx, store.KVQuery{AppID: api.App(ctx).ID, Prefix: in.Prefix, After: in.After, Limit: in.Limit}, s.Now())
	if err != nil {
		return nil, err
	}
	out := &listOutput{Body: api.List[KVEntry]{Items: make([]KVEntry, len(entries))}}
	for i, e := range entries {
		if out.Body.Items[i], err = of(e); err != nil {
			return nil, err
		}
	}
	if more {
		out.Body.Next = entries[len(entries)-1].Key
	}
	return out, nil
}

type entryOutput struct{ Body KVEntry }

func (s *service) get(ctx context.Context, in *KeyInput) (*entryOutput, error) {
	if err := store.CheckKVKey(in.Key); err != nil {
		return nil, api.Invalid("query.key", err.Error(), in.Key)
	}
	return s.read(ctx, in.Key)
}

func (s *service) read(ctx context.Context, key string) (*entryOutput, error) {
	app := api.App(ctx)
	found, err := s.KV.KVGet(ctx, app.ID, []string{key}, s.Now())
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, api.Refuse(http.StatusNotFound, "%s has no key %q", app.Slug, key)
	}
	e, err := of(found[0])
	return &entryOutput{e}, err
}

func (s *service) set(ctx context.Context, in *struct {
	KeyInput
	Body SetKV
},
) (*entryOutput, error) {
	if err := store.CheckKVKey(in.Key); err != nil {
		return nil, api.Invalid("query.key", err.Error(), in.Key)
	}
	v, err := value.FromJSON(in.Body.Value)
	if err != nil {
		return nil, api.Invalid("body.value", err.Error(), nil)
	}
	api.Note(ctx, "key %q", in.Key)
	op := store.KVOp{Kind: store.KVSet, Key: in.Key}
	if op.Value, err = value.Encode(v); err != nil {
		return nil, api.Invalid("body.value", err.Error(), nil)
	}
	now := s.Now()
	if in.Body.TTL > 0 {
		op.Expires = now.Add(time.Duration(in.Body.TTL * float64(time.Second))).Truncate(time.Microsecond)
	}
	app := api.App(ctx)
	m, err := channels.Active(ctx, s.Store)
	if err != nil {
		return nil, err
	}
	e := store.KVEntry{Key: in.Key, Value: op.Value, ExpiresAt: op.Expires}
	e.Version, err = s.KV.Commit(ctx, store.Commit{AppID: app.ID, Ops: []store.KVOp{op}, Watch: store.WatchOf(m, 1), At: now, MaxBytes: s.MaxBytes})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, api.NoApp(app.Slug)
	case err != nil:
		return nil, err
	}
	shown, err := of(e)
	return &entryOutput{shown}, err
}

func (s *service) delete(ctx context.Context, in *KeyInput) (*struct{}, error) {
	if _, err := s.get(ctx, in); err != nil {
		return nil, err
	}
	api.Note(ctx, "key %q", in.Key)
	m, err := channels.Active(ctx, s.Store)
	if err != nil {
		return nil, err
	}
	_, err = s.KV.Commit(ctx, store.Commit{
		AppID: api.App(ctx).ID, Ops: []store.KVOp{{Kind: store.KVDelete, Key: in.Key}}, Watch: store.WatchOf(m, 1), At: s.Now(),
	})
	return nil, err
}
