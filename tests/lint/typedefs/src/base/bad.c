typedef struct thing thing;
