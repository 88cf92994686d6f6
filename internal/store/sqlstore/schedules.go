package sqlstore

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/picloud/picloud/internal/schedule"
	"github.com/picloud/picloud/internal/store"
)

const scheduleColumns = `app_id, name, definition, anchor, cursor_at, high, paused, last_at, skipped_at`

func scanSchedule(scan func(dest ...any) error) (store.Schedule, error) {
	var (
		x                                           store.Schedule
		raw                                         []byte
		anchor, cursor, high, paused, last, skipped int64
	)
	if err := scan(&x.AppID, &x.Name, &raw, &anchor, &cursor, &high, &paused, &last, &skipped); err != nil {
		return x, err
	}
	if err := json.Unmarshal(raw, &x.ManifestSchedule); err != nil {
		return x, fmt.Errorf("the schedule %q cannot be read: %w", x.Name, err)
	}
	x.Anchor, x.Cursor, x.High = fromMicros(anchor), fromMicros(cursor), fromMicros(high)
	x.Paused, x.LastAt, x.SkippedAt = paused != 0, fromOptionalMicros(last), fromOptionalMicros(skipped)
	return x, nil
}

func (s *Store) schedules(ctx context.Context, q querier, where string, args ...any) (list []store.Schedule, err error) {
	err = each(ctx, q, func(rows Rows) error {
		x, err := scanSchedule(rows.Scan)
		list = append(list, x)
		return err
	}, `SELECT `+scheduleColumns+` FROM schedules WHERE active = 1`+where+` ORDER BY app_id, name`, args...)
	return list, err
}

// Schedules is store.Schedules's.
func (s *Store) Schedules(ctx context.Context, appID string) ([]store.Schedule, error) {
	if appID == "" {
		return s.schedules(ctx, s.db, "")
	}
	return s.schedules(ctx, s.db, ` AND app_id = $1`, appID)
}

// Schedule is store.Schedules's.
func (s *Store) Schedule(ctx context.Context, appID, name string) (store.Schedule, error) {
	list, err := s.schedules(ctx, s.db, ` AND app_id = $1 AND name = $2`, appID, name)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("schedule %q: %w", name, store.ErrNotFound)
	}
	if err != nil {
		return store.Schedule{}, err
	}
	return list[0], nil
}

// deploySchedules makes the schedules of a manifest, which becomes the app's
// active one, those that fire.
func deploySchedules(ctx context.Context, tx Conn, appID string, m *store.Manifest, at time.Time) error {
	type row struct {
		definition []byte
		active     int64
	}
	known := map[string]row{}
	if err := each(ctx, tx, func(rows Rows) error {
		var name string
		var r row
		err := rows.Scan(&name, &r.definition, &r.active)
		known[name] = r
		return err
	}, `SELECT name, definition, active FROM schedules WHERE app_id = $1`, appID); err != nil {
		return err
	}
	start := micros(schedule.Start(at).Cursor)
	for _, name := range slices.Sorted(maps.Keys(m.Schedules)) {
		definition, err := json.Marshal(m.Schedules[name])
		if err != nil {
			return err
		}
		r, found := known[name]
		delete(known, name)
		switch {
		case !found:
			_, err = tx.Exec(ctx, `INSERT INTO schedules (app_id, name, active, definition, anchor, cursor_at, high, paused, last_at, skipped_at)
				VALUES ($1, $2, 1, $3, $4, $4, $4, 0, 0, 0)`, appID, name, definition, start)
		case r.active == 1 && string(r.definition) == string(definition):
		case r.active == 1 && sameTiming(r.definition, m.Schedules[name]):
			_, err = tx.Exec(ctx, `UPDATE schedules SET definition = $3 WHERE app_id = $1 AND name = $2`, appID, name, definition)
		default:
			_, err = tx.Exec(ctx, `UPDATE schedules SET active = 1, definition = $3, anchor = $4, cursor_at = $4, high = $4 WHERE app_id = $1 AND name = $2`,
				appID, name, definition, start)
		}
		if err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if known[name].active == 0 {
			continue
		}
		if _, err := tx.Exec(ctx, `UPDATE schedules SET active = 0 WHERE app_id = $1 AND name = $2`, appID, name); err != nil {
			return err
		}
	}
	return nil
}

func sameTiming(definition []byte, m store.ManifestSchedule) bool {
	var old store.ManifestSchedule
	return json.Unmarshal(definition, &old) == nil && old.Cron == m.Cron && old.Timezone == m.Timezone
}

// FireSchedules is store.Schedules's.
func (s *Store) FireSchedules(ctx context.Context, list []store.ScheduleFiring) ([]store.ScheduleOutcome, error) {
	var outcomes []store.ScheduleOutcome
	s.willTell(ctx)
	_, err := s.adding(ctx, func(ctx context.Context, tx Conn, o *offers) (added []store.Message, err error) {
		outcomes = make([]store.ScheduleOutcome, len(list))
		changed := usages{}
		// All processes lock the rows in the same order.
		order := make([]int, len(list))
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(a, b int) int {
			return cmp.Or(cmp.Compare(list[a].AppID, list[b].AppID), cmp.Compare(list[a].Name, list[b].Name))
		})
		for _, i := range order {
			outcome, messages, err := s.fireSchedule(ctx, tx, &list[i], o, changed)
			if err != nil {
				return nil, fmt.Errorf("schedule %q: %w", list[i].Name, err)
			}
			outcomes[i] = outcome
			added = append(added, messages...)
		}
		// How many of a schedule's messages wait is bounded anyway, and so are schedules.
		return added, s.count(ctx, tx, changed, false, nil)
	})
	if err != nil {
		return nil, err
	}
	return outcomes, nil
}

func (s *Store) fireSchedule(ctx context.Context, tx Conn, f *store.ScheduleFiring, o *offers, changed usages) (store.ScheduleOutcome, []store.Message, error) {
	n, err := tx.Exec(ctx, `UPDATE schedules SET cursor_at = $3, high = $4
		WHERE app_id = $1 AND name = $2 AND active = 1 AND paused = 0 AND anchor = $5 AND cursor_at = $6 AND high = $7`,
		f.AppID, f.Name, micros(f.Next.Cursor), micros(f.Next.High), micros(f.Seen.Anchor), micros(f.Seen.Cursor), micros(f.Seen.High))
	if err != nil || n == 0 {
		return store.ScheduleStale, nil, err
	}
	if f.Message == nil {
		return store.ScheduleMissed, nil, nil
	}
	most := int64(1)
	if f.Overlap == store.OverlapQueue || f.Overlap == store.OverlapAllow {
		most = store.MaxScheduleBacklog
	}
	var live int64
	if err := one(ctx, tx, []any{&live}, `SELECT count(*) FROM messages m JOIN channels c ON c.id = m.channel
		WHERE c.app_id = $1 AND c.kind = $2 AND c.name = $3 AND m.dead_at = 0`, f.AppID, string(store.ChannelSchedule), f.Name); err != nil {
		return "", nil, err
	}
	if live >= most {
		_, err := tx.Exec(ctx, `UPDATE schedules SET skipped_at = $3 WHERE app_id = $1 AND name = $2`, f.AppID, f.Name, micros(f.At))
		return store.ScheduleSkipped, nil, err
	}
	// It fires however many channels its app has: others fire with it.
	if _, _, err := s.openChannel(ctx, tx, f.Message.Channel); err != nil {
		return "", nil, err
	}
	added, err := s.enqueue(ctx, tx, []store.Message{*f.Message}, o, changed)
	if err != nil {
		return "", nil, err
	}
	_, err = tx.Exec(ctx, `UPDATE schedules SET last_at = $3 WHERE app_id = $1 AND name = $2`, f.AppID, f.Name, micros(f.At))
	return store.ScheduleFired, added, err
}

// PauseSchedule is store.Schedules's.
func (s *Store) PauseSchedule(ctx context.Context, appID, name string, paused bool, at time.Time) (store.Schedule, error) {
	var x store.Schedule
	err := s.change(ctx, func(ctx context.Context, tx Conn) ([]store.Change, error) {
		a, err := lockApp(ctx, tx, appID)
		if err != nil {
			return nil, err
		}
		// The row is locked by changing it.
		n, err := tx.Exec(ctx, `UPDATE schedules SET paused = paused WHERE app_id = $1 AND name = $2 AND active = 1`, appID, name)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return nil, fmt.Errorf("schedule %q: %w", name, store.ErrNotFound)
		}
		list, err := s.schedules(ctx, tx, ` AND app_id = $1 AND name = $2`, appID, name)
		if err != nil {
			return nil, err
		}
		x = list[0]
		if x.Paused == paused {
			return nil, nil
		}
		value := int64(1)
		if x.Paused = paused; !paused {
			value, x.ScheduleState = 0, schedule.Resume(x.ScheduleState, at)
		}
		_, err = tx.Exec(ctx, `UPDATE schedules SET paused = $3, cursor_at = $4, high = $5 WHERE app_id = $1 AND name = $2`,
			appID, name, value, micros(x.Cursor), micros(x.High))
		return []store.Change{{AppID: appID, Slug: a.slug}}, err
	})
	if err != nil {
		return store.Schedule{}, err
	}
	return x, nil
}

// ForgetSchedule is store.Schedules's.
func (s *Store) ForgetSchedule(ctx context.Context, appID, name string) error {
	return s.db.Write(ctx, func(ctx context.Context, tx Conn) error {
		if _, err := tx.Exec(ctx, `DELETE FROM schedules WHERE app_id = $1 AND name = $2 AND active = 0`, appID, name); err != nil {
			return err
		}
		var still int64
		err := one(ctx, tx, []any{&still}, `SELECT count(*) FROM schedules WHERE app_id = $1 AND name = $2`, appID, name)
		if err == nil && still > 0 {
			err = fmt.Errorf("schedule %q: %w", name, store.ErrNotEmpty)
		}
		return err
	})
}
