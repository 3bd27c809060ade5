module pitwall/vhs/ttyd

go 1.26.0

require (
	github.com/coder/websocket v1.8.13
	github.com/creack/pty v1.1.24
)
