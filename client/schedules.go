package client

import (
	"context"
	"net/http"
)

// ListSchedules returns an app's schedules by name.
func (c *Client) ListSchedules(ctx context.Context, app string, p Page) (ListSchedule, error) {
	return call[ListSchedule](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListSchedules(ctx, app, &ListSchedulesParams{Limit: p.limit(), After: p.after()})
	})
}

// Schedule returns a schedule of an app and its next five times.
func (c *Client) Schedule(ctx context.Context, app, name string) (Schedule, error) {
	return call[Schedule](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.GetSchedule(ctx, app, name) })
}

// SetSchedule creates a schedule of an app, or replaces its settings.
func (c *Client) SetSchedule(ctx context.Context, app, name string, s SetSchedule) (x Schedule, created bool, err error) {
	status, err := callStatus(ctx, &x, func(ctx context.Context) (*http.Response, error) { return c.api.SetSchedule(ctx, app, name, s) })
	return x, status == http.StatusCreated, err
}

// DeleteSchedule removes a schedule of an app, and what is left of its runs.
func (c *Client) DeleteSchedule(ctx context.Context, app, name string) error {
	_, err := call[none](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.DeleteSchedule(ctx, app, name) })
	return err
}

// RunSchedule has a schedule's script run now. It returns the ID of the event.
func (c *Client) RunSchedule(ctx context.Context, app, name string) (eventID string, err error) {
	r, err := call[ScheduleRun](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.RunSchedule(ctx, app, name) })
	return r.EventID, err
}

// PauseSchedule leaves a schedule's times out until it is resumed, or lets them
// come again.
func (c *Client) PauseSchedule(ctx context.Context, app, name string, paused bool) (Schedule, error) {
	return call[Schedule](ctx, func(ctx context.Context) (*http.Response, error) {
		if paused {
			return c.api.PauseSchedule(ctx, app, name)
		}
		return c.api.ResumeSchedule(ctx, app, name)
	})
}

// ListScheduleMessages returns a page of a schedule's runs that wait, go on or
// were given up, the oldest first.
func (c *Client) ListScheduleMessages(ctx context.Context, app, name string, q MessageQuery) (ListMessage, error) {
	return call[ListMessage](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListScheduleMessages(ctx, app, name, &ListScheduleMessagesParams{
			State: optional(ListScheduleMessagesParamsState(q.State)), Limit: q.limit(), After: q.after(),
		})
	})
}

// RedriveSchedule has runs of a schedule that were given up tried again: those
// with the IDs, or all. It returns how many.
func (c *Client) RedriveSchedule(ctx context.Context, app, name string, which Chosen) (int64, error) {
	n, err := call[Count](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.RedriveSchedule(ctx, app, name, which)
	})
	return n.Count, err
}

// PurgeSchedule deletes runs of a schedule that wait, or those that were given
// up: those with the IDs, or all. It returns how many.
func (c *Client) PurgeSchedule(ctx context.Context, app, name string, p Purge) (int64, error) {
	n, err := call[Count](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.PurgeSchedule(ctx, app, name, p) })
	return n.Count, err
}
