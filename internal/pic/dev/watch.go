package dev

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// quiet is how long the files must rest before they are read: saving one is
// often several events.
const quiet = 30 * time.Millisecond

// watcher tells of changes in a project's directories. The kernel tells it;
// nothing is polled.
type watcher struct {
	changed chan struct{} // at most one is waiting
	failed  chan error
	notify  *fsnotify.Watcher
	done    sync.WaitGroup
}

func watch(p *project) (*watcher, error) {
	n, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	w := &watcher{changed: make(chan struct{}, 1), failed: make(chan error, 1), notify: n}
	if err := n.Add(p.dir); err != nil {
		n.Close()
		return nil, err
	}
	lib := filepath.Join(p.dir, libraryDir)
	if err := n.Add(lib); err != nil && !errors.Is(err, fs.ErrNotExist) {
		n.Close()
		return nil, err
	}
	w.done.Add(1)
	go w.run(lib)
	return w, nil
}

// run ends when the watcher is closed.
func (w *watcher) run(lib string) {
	defer w.done.Done()
	var rest <-chan time.Time // set while changes wait to be told of
	for {
		select {
		case e, ok := <-w.notify.Events:
			if !ok {
				return
			}
			if e.Name == lib && e.Has(fsnotify.Create) {
				// An error shows in the next reload, which reads the directory.
				_ = w.notify.Add(lib)
			} else if !strings.HasSuffix(e.Name, extension) && e.Name != lib && filepath.Base(e.Name) != TriggersFile {
				continue
			}
			if e.Op != fsnotify.Chmod {
				rest = time.After(quiet)
			}
		case <-rest:
			rest = nil
			select {
			case w.changed <- struct{}{}:
			default:
			}
		case err, ok := <-w.notify.Errors:
			if !ok {
				return
			}
			if errors.Is(err, fsnotify.ErrEventOverflow) {
				rest = time.After(quiet) // events were lost: look at everything
				continue
			}
			select {
			case w.failed <- err:
			default:
			}
		}
	}
}

func (w *watcher) close() {
	_ = w.notify.Close() // ends run
	w.done.Wait()
}
