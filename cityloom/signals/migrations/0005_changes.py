"""Changes that subscribers are to be told, who tells them, and keys that choose ids."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('signals', '0004_places_of_installed_sensors'),
    ]

    operations = [
        migrations.AddField(
            model_name="devicekey", name="chooses_ids", field=models.BooleanField(default=False),
        ),
        migrations.CreateModel(
            name='ChangeFeed',
            fields=[
                ('name', models.CharField(max_length=60, primary_key=True, serialize=False)),
                ('titles', models.CharField(max_length=200)),
                ('broker', models.CharField(max_length=200)),
                ('takes', models.BooleanField(default=False)),
                ('asked', models.TextField(blank=True, default='')),
                ('streams', models.TextField(blank=True, default='')),
                ('seen_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='EntityChange',
            fields=[
                ('position', models.BigAutoField(primary_key=True, serialize=False)),
                ('title', models.CharField(max_length=20)),
                ('key', models.CharField(max_length=60)),
                ('is_new', models.BooleanField()),
                ('names', models.CharField(blank=True, default='', max_length=300)),
                ('document', models.TextField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='TakenMessage',
            fields=[
                ('number', models.IntegerField(primary_key=True, serialize=False)),
                ('digest', models.CharField(max_length=64)),
                ('place', models.BigIntegerField()),
            ],
        ),
    ]
