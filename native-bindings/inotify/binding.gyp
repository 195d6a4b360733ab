{
  "targets": [
    {
      "target_name": "inotify",
      "sources": ["src/addon.c", "src/watcher.c"],
      "defines": ["NAPI_VERSION=8", "_GNU_SOURCE"],
      "cflags_c": ["-std=gnu11", "-Wall", "-Wextra", "-Wunused-parameter", "-fvisibility=hidden"]
    }
  ]
}
