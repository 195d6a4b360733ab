{
  "targets": [
    {
      "target_name": "tablesnap_io",
      "sources": [
        "src/addon.c",
        "src/combine.c",
        "src/crc.c",
        "src/field.c",
        "src/fold.c",
        "src/fold_arm.c",
        "src/fold_none.c",
        "src/fold_x86.c",
        "src/js.c",
        "src/js_crc.c",
        "src/js_output.c",
        "src/js_priority.c",
        "src/js_read.c",
        "src/js_status.c",
        "src/js_time.c",
        "src/js_volume.c",
        "src/neutral.c",
        "src/output.c",
        "src/priority.c",
        "src/residency.c",
        "src/table32.c",
        "src/table64.c",
        "src/volume.c"
      ],
      "defines": ["NAPI_VERSION=8", "_GNU_SOURCE"],
      "cflags_c": ["-std=gnu11", "-Wall", "-Wextra", "-Wunused-parameter", "-fvisibility=hidden"]
    }
  ]
}
