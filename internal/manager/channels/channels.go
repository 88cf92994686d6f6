package channels

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/manager/api"
	"github.com/picloud/picloud/internal/store"
)

// Store is what the operations need.
type Store interface {
	store.Deployments
	store.Queue
}

// Config says whose messages the operations are about.
type Config struct {
	Kind store.ChannelKind
	Noun string // "queue"
	ID   string // in the names of operations: "Queue"
	Path string // where one is, with {app} and {name}
	Tag  string
	// Has reports whether a deployment has one of the name.
	Has func(m *store.Manifest, name string) bool
	// OwnPause: pausing is more than not delivering, and is not registered here.
	OwnPause bool
	// Clearing: what is left of one that is deleted, or was there before one is
	// created, goes. It is held meanwhile, so that none of the new one's does. Nil:
	// messages stay and wait for the next.
	Clearing sync.Locker
	Store    Store
	Now      func() time.Time
}

// Path names one of an app's queues, subscriptions, schedules or KV triggers.
type Path struct {
	api.AppPath
	Name string `path:"name" maxLength:"200"`
}

// Register adds the operations.
func Register(a *api.API, c Config) {
	s := &service{c}
	api.Register(a, api.Op{
		ID: "list" + c.ID + "Messages", Method: http.MethodGet, Path: c.Path + "/messages", Tag: c.Tag, Action: auth.ViewData,
		Summary: "List the messages of a " + c.Noun, Description: "In the order of their IDs: the oldest first. A page ends early when its payloads take 4 MiB.",
	}, s.messages)
	api.Register(a, api.Op{
		ID: "redrive" + c.ID, Method: http.MethodPost, Path: c.Path + "/redrive", Tag: c.Tag, Action: auth.ChangeData,
		Summary: "Deliver dead letters of a " + c.Noun + " again", Description: "Those in ids, or with all: true all. Their attempts are forgotten.",
	}, s.redrive)
	api.Register(a, api.Op{
		ID: "purge" + c.ID, Method: http.MethodPost, Path: c.Path + "/purge", Tag: c.Tag, Action: auth.ChangeData,
		Summary: "Delete messages of a " + c.Noun, Description: "Those in ids, or with all: true all. What an execution works on stays.",
	}, s.purge)
	if c.OwnPause {
		return
	}
	api.Register(a, api.Op{
		ID: "pause" + c.ID, Method: http.MethodPut, Path: c.Path + "/pause", Tag: c.Tag, Action: auth.ChangeScripts, Status: http.StatusNoContent,
		Summary: "Deliver nothing of a " + c.Noun + " until it is resumed", Description: "Executions under way end; what comes meanwhile waits.",
	}, func(ctx context.Context, in *Path) (*struct{}, error) { return nil, s.pause(ctx, in.Name, true) })
	api.Register(a, api.Op{
		ID: "resume" + c.ID, Method: http.MethodDelete, Path: c.Path + "/pause", Tag: c.Tag, Action: auth.ChangeScripts, Status: http.StatusNoContent,
		Summary: "Deliver the messages of a " + c.Noun + " again",
	}, func(ctx context.Context, in *Path) (*struct{}, error) { return nil, s.pause(ctx, in.Name, false) })
}

type service struct{ Config }

// channel returns the channel of a name that the app has, or had: then there are
// messages left.
func (s *service) channel(ctx context.Context, name string) (store.Channel, error) {
	app := api.App(ctx)
	c := store.Channel{AppID: app.ID, Kind: s.Kind, Name: name}
	_, d, err := s.Store.ActiveDeployment(ctx, app.Slug)
	if err != nil || s.Has(&d.Manifest, name) {
		return c, err
	}
	state, err := s.Store.Channel(ctx, c, s.Now())
	if err == nil && state == (store.ChannelState{Channel: c}) {
		err = Unknown(ctx, s.Noun, name)
	}
	return c, err
}

// Unknown is the problem of a name that the app does not have.
func Unknown(ctx context.Context, noun, name string) *api.Problem {
	return api.Refuse(http.StatusNotFound, "%s has no %s %.100q", api.App(ctx).Slug, noun, name)
}

type messagesOutput struct{ Body api.List[Message] }

func (s *service) messages(ctx context.Context, in *struct {
	Path
	api.PageQuery
	State string `query:"state" enum:"ready,delayed,in-flight,dead" doc:"Only those in this state"`
},
) (*messagesOutput, error) {
	c, err := s.channel(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	found, more, err := s.Store.Messages(ctx, store.MessageFilter{
		Channel: c, State: store.MessageState(in.State), After: in.After, Limit: in.Limit, At: now,
	})
	if err != nil {
		return nil, err
	}
	out := &messagesOutput{api.List[Message]{Items: make([]Message, 0, len(found))}}
	if more {
		out.Body.Next = found[len(found)-1].ID
	}
	for _, m := range found {
		shown, err := messageOf(m, now)
		if err != nil {
			return nil, err
		}
		out.Body.Items = append(out.Body.Items, shown)
	}
	return out, nil
}

type countOutput struct{ Body Count }

func (s *service) redrive(ctx context.Context, in *struct {
	Path
	Body Chosen
},
) (*countOutput, error) {
	c, err := s.channel(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	if err := in.Body.check(); err != nil {
		return nil, err
	}
	api.Note(ctx, "%s", in.Body.in("dead letters"))
	n, err := s.Store.Redrive(ctx, c, in.Body.IDs, s.Now())
	return &countOutput{Count{n}}, err
}

func (s *service) purge(ctx context.Context, in *struct {
	Path
	Body Purge
},
) (*countOutput, error) {
	c, err := s.channel(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	if err := in.Body.check(); err != nil {
		return nil, err
	}
	what := "messages that wait"
	if in.Body.Dead {
		what = "dead letters"
	}
	api.Note(ctx, "%s", in.Body.in(what))
	n, err := s.Store.Purge(ctx, c, in.Body.Dead, in.Body.IDs)
	return &countOutput{Count{n}}, err
}

func (s *service) pause(ctx context.Context, name string, paused bool) error {
	c, err := s.channel(ctx, name)
	if err != nil {
		return err
	}
	return s.Store.Pause(ctx, c, paused)
}
